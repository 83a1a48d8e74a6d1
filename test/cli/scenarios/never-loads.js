await new Promise(() => {})

export default { arrivals: '100/s', service: '1ms' }
