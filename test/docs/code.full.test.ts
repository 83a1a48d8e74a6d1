import { DOCUMENTS, FIRST_DOCUMENTS, testCodeOf } from '../support/docs/documented-code.js'

const others = DOCUMENTS.filter((name) => !FIRST_DOCUMENTS.includes(name))
testCodeOf(others, DOCUMENTS)
