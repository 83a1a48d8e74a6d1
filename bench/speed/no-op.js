/** @param {number[]} batch */
export default (batch) => batch
