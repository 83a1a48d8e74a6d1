/** Never gives its thread back. */
export default () => {
  for (;;);
}
