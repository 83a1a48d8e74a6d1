/** Samples in a frame: 32 ms of sound at 16 kHz, the input size of the model. */
export const SAMPLES = 512
const SAMPLE_RATE = 16_000

/**
 * Generates a frame of sound from a seed. Three of five frames hold a voice, which is the harmonics of a pitch shaped by
 * three resonances; the others hold only noise.
 */
export function frame(seed: number): Float32Array {
  const random = uniform(seed)
  const voiced = random() < 0.6
  const pitchHz = 90 + 150 * random()
  const loudness = 0.05 + 0.5 * random()
  const noise = 0.002 + 0.05 * random() * random()
  const loudest = SAMPLES * random()
  const resonances = [
    { hz: 300 + 500 * random(), width: 80 },
    { hz: 900 + 1400 * random(), width: 120 },
    { hz: 2300 + 700 * random(), width: 160 },
  ]

  const voice = new Float32Array(SAMPLES)
  for (let hz = pitchHz; voiced && hz < 4000; hz += pitchHz) {
    const strength = resonances.reduce((sum, r) => sum + 1 / (1 + ((hz - r.hz) / r.width) ** 2), 0)
    const phase = 2 * Math.PI * random()
    for (let i = 0; i < SAMPLES; i++) {
      voice[i] = (voice[i] as number) + strength * Math.sin(phase + (2 * Math.PI * hz * i) / SAMPLE_RATE)
    }
  }
  const peak = voice.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-9)
  return voice.map((sample, i) => {
    const envelope = 0.6 + 0.4 * Math.cos((Math.PI * (i - loudest)) / SAMPLES)
    return (sample / peak) * loudness * envelope + noise * (2 * random() - 1)
  })
}

/** Uniform on [0, 1): mulberry32. */
function uniform(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}
