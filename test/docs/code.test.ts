import { FIRST_DOCUMENTS, testCodeOf } from '../support/documented-code.js'

testCodeOf(FIRST_DOCUMENTS, [])
