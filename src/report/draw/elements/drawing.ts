import type { Markup } from '../../markup.js'
import { HEIGHT } from './frame.js'
import type { Scale } from './scale.js'

/** A chart and the scales of its marks. */
export interface Drawing {
  drawn: Markup
  x?: Scale | null
  y?: Scale | null
  /** in pixels; every drawing has the same width */
  height?: number
}

/** The height of a drawing, in pixels. */
export const heightOf = ({ height = HEIGHT }: Drawing) => height
