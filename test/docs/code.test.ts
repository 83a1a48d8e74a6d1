import { FIRST_DOCUMENTS, testCodeOf } from '../support/docs/documented-code.js'

testCodeOf(FIRST_DOCUMENTS, [])
