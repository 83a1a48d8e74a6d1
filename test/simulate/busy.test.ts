import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BusyServers } from '../../src/simulate/busy.js'
import { atLength } from '../support/at-length.js'

/** The batches in service, as a plain list. */
interface Batch {
  doneNs: number
  startNs: number
  size: number
}

// below and above the number of servers at which a heap replaces the sorted list
it.each([1, 2, 3, 16, 32, 33, 200])(
  'of %i servers, gives the batch that is done next with what it began with',
  { tags: 'at-length' },
  (servers) => {
    const steps = fc.array(fc.record({ add: fc.boolean(), doneNs: fc.nat(50), size: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 5 * servers,
      maxLength: 5 * servers + 20,
    })
    fc.assert(
      fc.property(steps, (steps) => {
        const busy = new BusyServers(servers)
        const taken: unknown[] = []
        const expected: unknown[] = []
        const counts: number[] = []
        const expectedCounts: number[] = []
        let batches: Batch[] = []
        let startNs = 0
        for (const { add, doneNs, size } of steps) {
          if (batches.length === servers || (!add && batches.length > 0)) {
            const place = busy.take()
            const batch = { doneNs: busy.doneNs[place], startNs: busy.startNs[place], size: busy.batchSize[place] }
            taken.push(batch, batch.doneNs)
            // each has a start of its own
            const isTaken = ({ startNs }: Batch) => startNs === batch.startNs
            expected.push(batches.find(isTaken), Math.min(...batches.map(({ doneNs }) => doneNs)))
            batches = batches.filter((each) => !isTaken(each))
          } else {
            busy.add(doneNs, ++startNs, size)
            batches.push({ doneNs, startNs, size })
          }
          counts.push(busy.count)
          expectedCounts.push(batches.length)
        }
        expect(taken).toEqual(expected)
        expect(counts).toEqual(expectedCounts)
        const left: Batch[] = []
        busy.forEach((doneNs, startNs, size) => {
          left.push({ doneNs, startNs, size })
        })
        expect(left.sort((a, b) => a.startNs - b.startNs)).toEqual(batches)
      }),
      { numRuns: atLength(50), seed: 5 },
    )
  },
)
