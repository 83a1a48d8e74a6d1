import jstat from 'jstat'
import { expect, it } from 'vitest'
import { student975 } from '../../src/result/student.js'

it("agrees with jstat's inverse of Student's t to four digits", () => {
  for (let freedom = 1; freedom <= 1000; freedom++) {
    const exact = jstat.studentt.inv(0.975, freedom)
    expect(Math.abs(student975(freedom) / exact - 1)).toBeLessThan(1e-4)
  }
})
