import { affine, type Candidate, gamma } from '../../src/index.js'

const variation = gamma({ cv: 0.2 })

/** Two models that order restaurants, and a third that was distilled from them. Quality is the value of an average order. */
export const models: Candidate[] = [
  { name: 'large', quality: 31.4, price: 2.4, service: affine({ base: '90ms', perItem: '6ms', variation }) },
  { name: 'medium', quality: 30.9, price: 2.4, service: affine({ base: '45ms', perItem: '3ms', variation }) },
  { name: 'distilled', quality: 30.6, price: 0.9, service: affine({ base: '12ms', perItem: '0.9ms', variation }) },
]
