import jstat from 'jstat'
import { expect, it } from 'vitest'
import { student, tailOf } from '../../src/statistics/student.js'

it.each([1, 2, 5, 12])("agrees with jstat's inverse of Student's t, for %i checkpoints", (checkpoints) => {
  for (let freedom = 1; freedom <= 1000; freedom = freedom < 30 ? freedom + 1 : Math.ceil(freedom * 1.3)) {
    const exact = jstat.studentt.inv(1 - 0.025 / checkpoints, freedom)
    expect(Math.abs(student(tailOf(checkpoints), freedom) / exact - 1)).toBeLessThan(1e-6)
  }
})

it("is the normal distribution's for very many degrees of freedom", () => {
  expect(student(0.025, 1e9)).toBeCloseTo(1.959964, 3)
})
