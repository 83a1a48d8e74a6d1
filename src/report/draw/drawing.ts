import type { Markup } from '../markup.js'
import { HEIGHT } from './frame.js'
import type { Scale } from './scale.js'

/** A chart, and the scales that its marks stand on. */
export interface Drawing {
  drawn: Markup
  x?: Scale | null
  y?: Scale | null
  /** pixels; all are as wide */
  height?: number
}

/** How high a drawing is. */
export const heightOf = ({ height = HEIGHT }: Drawing) => height
