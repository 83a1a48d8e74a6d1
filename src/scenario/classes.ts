import { z } from 'zod'
import { sumBy } from '../statistics/descriptive.js'
import { faultOfReserved } from './budget.js'
import { type Service, type ServiceInput, type ServiceShare, serviceSchema } from './service/service.js'
import { type Duration, options } from './units.js'

/** How many classes a run may have: each has its own histogram for each segment of the window. */
export const MOST_CLASSES = 64
const LONGEST_NAME = 100
/** The class of requests that have none, if others have. */
export const OTHER_CLASS = 'other'

/** What is wrong with the name of a class; null if nothing is. */
export function faultOfClassName(name: string): string | null {
  if (name.trim() === '' || name !== name.trim()) return 'must be a name without spaces around it'
  if (name.length > LONGEST_NAME) return `must be a name of at most ${LONGEST_NAME} characters`
  if (name in Object.prototype) return 'must have a different name, because every object has a property of this name'
  return faultOfReserved(name)
}

/** What is wrong with the number of classes; null if nothing is. */
export const faultOfClassCount = (count: number) =>
  count >= 1 && count <= MOST_CLASSES ? null : `must have 1 to ${MOST_CLASSES} classes, got ${count}`

const weightError = 'must be a number above 0: how often requests of this class come, compared with the others'

/** The schema of the classes of a scenario. */
export const classesSchema: z.ZodType<Classes, ClassesInput> = z
  .record(
    z.string(),
    options({
      weight: z
        .number({ error: weightError })
        .positive({ error: weightError })
        .max(1e9, { error: 'must be at most 1e9' })
        .default(1),
      service: serviceSchema.optional(),
    }),
    { error: 'must be an object of classes by name, such as { checkout: { weight: 1 }, browse: { weight: 4 } }' },
  )
  .superRefine((given, context) => {
    const names = Object.keys(given)
    const add = (message: string | null, path: string[]) => {
      if (message !== null) context.issues.push({ code: 'custom', message, input: given, path })
    }
    add(faultOfClassCount(names.length), [])
    for (const name of names) {
      add(faultOfClassName(name), [name])
      add(faultOfService(given[name]?.service), [name, 'service'])
    }
  })

function faultOfService(service: Service | undefined): string | null {
  if (service?.model === 'recorded') return 'must not be recorded: recorded times are those of batches, not of a class'
  if (service?.overhead === undefined) return null
  return "must have no overhead: dispatch times are those of batches; set them in the scenario's own service"
}

/** The classes of a scenario: how often requests of each come, and their service time if it differs. */
export type ClassesInput = Record<
  string,
  { weight?: number | undefined; service?: Duration | ServiceInput | undefined }
>
/** The same with defaults filled in. */
export type Classes = Record<string, { weight: number; service?: Service | undefined }>

/** The names of a scenario's classes; empty if it has none. */
export const namesOfClasses = (classes: Classes | undefined): string[] => Object.keys(classes ?? {})

/** The services of a scenario's classes: the fraction of requests that each is for. Classes without their own share one. */
export function servicesOf(service: Service, classes: Classes | undefined): ServiceShare[] {
  if (classes === undefined) return [{ service, fraction: 1 }]
  const all = Object.values(classes)
  const total = sumBy(all, ({ weight }) => weight)
  const fractions = new Map<Service, number>()
  for (const { weight, service: own = service } of all) fractions.set(own, (fractions.get(own) ?? 0) + weight / total)
  return [...fractions].map(([service, fraction]) => ({ service, fraction }))
}
