export default (batch, { classes }) =>
  batch.map((number, i) =>
    classes[i] === 'checkout' ? Object.assign(new Error('none'), { code: 'no stock' }) : number,
  )
