/** Never answers. */
export default (): Promise<never> => new Promise(() => {})
