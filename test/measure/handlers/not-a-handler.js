export default { answers: 42 }
