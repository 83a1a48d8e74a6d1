export default {
  setup: () => new Promise(() => {}),
  run: (batch) => batch,
}
