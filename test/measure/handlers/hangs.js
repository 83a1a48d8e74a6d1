/** Never answers. */
export default () => new Promise(() => {})
