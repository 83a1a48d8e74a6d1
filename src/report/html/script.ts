/**
 * Shows a tooltip for the mark under the pointer or selected with the arrow keys. The page works without it: browsers
 * then show the title of each mark.
 */
export const PAGE_SCRIPT = `(() => {
const tip = document.getElementById('tip')
const place = (mark) => {
  const at = (mark.querySelector('.dot') ?? mark).getBoundingClientRect()
  const { width, height } = tip.getBoundingClientRect()
  const left = Math.max(8, Math.min(innerWidth - width - 8, at.left + at.width / 2 - width / 2))
  tip.style.left = left + 'px'
  tip.style.top = (at.top - height - 10 < 4 ? Math.min(at.bottom + 10, innerHeight - height - 4) : at.top - height - 10) + 'px'
}
for (const chart of document.querySelectorAll('.chart')) {
  const marks = [...chart.querySelectorAll('.mark')]
  const texts = marks.map((mark) => {
    const title = mark.querySelector('title')
    title.remove()
    return title.textContent
  })
  let at = -1
  const hide = () => {
    marks[at]?.classList.remove('on')
    tip.textContent = ''
  }
  const show = (i) => {
    if (marks[i] === undefined) return
    hide()
    at = i
    marks[i].classList.add('on')
    tip.textContent = texts[i]
    place(marks[i])
  }
  chart.addEventListener('pointermove', (event) => {
    const mark = event.target.closest('.mark')
    if (mark === null) hide()
    else if (!mark.classList.contains('on')) show(marks.indexOf(mark))
  })
  chart.addEventListener('pointerleave', hide)
  chart.addEventListener('blur', hide)
  chart.addEventListener('focus', () => chart.matches(':focus-visible') && show(Math.max(0, at)))
  chart.addEventListener('keydown', (event) => {
    const last = marks.length - 1
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last }[event.key]
    if (event.key === 'Escape') hide()
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    show(Math.max(0, Math.min(last, to)))
  })
}
addEventListener('scroll', () => (tip.textContent = ''), { passive: true })
})()`
