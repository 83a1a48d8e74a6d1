import { normal } from './normal.js'
import type { Random } from './random.js'

/**
 * Creates a source of gamma variables with mean 1 and the given shape (1 / cv^2), by Marsaglia and Tsang, "A simple
 * method for generating gamma variables" (2000). A shape below 1 is drawn at shape + 1 and corrected by a power.
 */
export function createGammaSource(random: Random, shape: number): () => number {
  const raised = shape < 1 ? shape + 1 : shape
  const d = raised - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  const standard = normal(random)

  const draw = () => {
    for (;;) {
      const z = standard()
      const root = 1 + c * z
      if (root <= 0) continue
      const v = root * root * root
      if (Math.log(random.positive()) < 0.5 * z * z + d - d * v + d * Math.log(v)) return d * v
    }
  }
  if (shape >= 1) return () => draw() / shape
  return () => (draw() * random.positive() ** (1 / shape)) / shape
}
