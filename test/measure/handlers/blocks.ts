/** Never gives its thread back. */
export default (): never => {
  for (;;);
}
