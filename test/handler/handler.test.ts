import { describe, expect, expectTypeOf, it } from 'vitest'
import { handlerOf } from '../../src/handler/handler.js'
import { failuresIn } from '../../src/handler/serving.js'
import { defineHandler } from '../../src/scenario/handler.js'

describe('a handler', () => {
  it('infers the types of state and batch', () => {
    defineHandler({
      setup: async () => ({ model: 'vad' }),
      input: (index) => new Float32Array(index),
      run: (batch, { state, signal }) => {
        expectTypeOf(batch).toEqualTypeOf<Float32Array<ArrayBuffer>[]>()
        expectTypeOf(state).toEqualTypeOf<{ model: string }>()
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
        return batch.map((frame) => frame.length)
      },
      teardown: (state) => expectTypeOf(state).toEqualTypeOf<{ model: string }>(),
    })
    defineHandler({
      run: async (batch, { state }) => {
        expectTypeOf(batch).toEqualTypeOf<number[]>()
        expectTypeOf(state).toEqualTypeOf<undefined>()
        return batch
      },
    })
  })

  it('may be a function, or an instance of a class', () => {
    const double = (batch: unknown[]) => batch.map((each) => 2 * (each as number))
    const context = { state: undefined, signal: AbortSignal.abort(), classes: [], first() {}, next() {} }
    expect(handlerOf(double).run([1, 2], context)).toEqual([2, 4])

    class Scaler {
      factor = 3
      run(batch: number[]) {
        return batch.map((each) => this.factor * each)
      }
    }
    expect(handlerOf(new Scaler()).run([1, 2], context)).toEqual([3, 6])
  })

  it.each([
    [undefined, 'it has no default export; accepted: '],
    [null, 'its default export is not a handler, got null; accepted: '],
    [42, 'its default export is not a handler, got 42; accepted: '],
    [{}, 'its default export is not a handler, got {}; accepted: '],
    [{ run: 'fast' }, 'the run of its handler must be a function, got "fast"'],
    [{ run: undefined }, 'its handler has no run'],
    [
      { run: () => [], tearDown: () => {} },
      "'tearDown' is not a part of a handler (did you mean 'teardown'?); accepted: ",
    ],
    [{ run: () => [], model: 1 }, "'model' is not a part of a handler; accepted: setup, input, run, teardown, inputs"],
    [{ run: () => [], setup: {} }, 'the setup of its handler must be a function, got {}'],
    [{ run: () => [], inputs: 0 }, 'the inputs of its handler must be a whole number of at least 1, got 0'],
  ])('is not %j', (exported, said) => {
    expect(() => handlerOf(exported)).toThrow(said)
  })
})

describe('the outputs of a batch', () => {
  it('are failures if they are errors', () => {
    const failed = new Uint8Array(4).fill(9)
    expect(failuresIn([1, new Error('no'), undefined], 3, failed)).toBe(1)
    expect([...failed]).toEqual([0, 1, 0, 9])
  })

  it.each([
    [undefined, 'got nothing'],
    [null, 'got null'],
    [{ length: 2 }, 'got an object'],
    ['ab', 'got a string'],
    [[1], 'got 1 for a batch of 2'],
    [[1, 2, 3], 'got 3 for a batch of 2'],
  ])('are not %j', (outputs, said) => {
    expect(() => failuresIn(outputs, 2, new Uint8Array(2))).toThrow(said)
  })
})
