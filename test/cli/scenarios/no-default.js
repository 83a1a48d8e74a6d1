export const scenario = { arrivals: '800/s' }
