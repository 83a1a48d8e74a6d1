import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  measure,
  type ReadTraceOptions,
  readRequestTrace,
  readTrace,
  replay,
  simulate,
  ValidationError,
} from '../../src/index.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-trace-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe('readRequestTrace', () => {
  it('reads the request of each time, in the order of times', async () => {
    const text = 'at;path;method;status\n2;/b;PUT;200\n1;/a;;500\n'
    const read = await readRequestTrace(await file('log.txt', text), { field: 'at', unit: 's', sort: true })
    expect(read).toEqual({ times: [1000, 2000], requests: [{ path: '/a' }, { method: 'PUT', path: '/b' }] })
  })

  it('reads JSON lines from a file with any name', async () => {
    const text = '{"time": 1767225600.25, "path": "/a"}\n{"time": 1767225600.5, "path": "/b"}\n'
    const read = await readRequestTrace(await file('access.log', text), { field: 'time', unit: 's', shift: true })
    expect(read).toEqual({ times: [0, 250], requests: [{ path: '/a' }, { path: '/b' }] })
  })

  it('leaves out weights, which would send requests at the times of others', async () => {
    const { requests } = await readRequestTrace(await file('weights.csv', 'timeMs,path,weight\n0,/a,3\n1,/b,1\n'))
    expect(requests).toEqual([{ path: '/a' }, { path: '/b' }])
  })

  it.each([
    ['without names of columns', '1,/a\n2,/b\n', /must have names of columns in its first line/],
    ['without requests', 'timeMs,size\n1,2\n', /must have at least one of the columns method, path/],
    ['with an invalid method', 'timeMs,method\n1,A B\n', /:2.method: must be an HTTP method/],
  ])('refuses a file %s', async (_, text, message) => {
    await expect(readRequestTrace(await file('refused.csv', text))).rejects.toThrow(message)
  })
})

describe('a measurement', () => {
  it('refuses a trace with hours of nothing', async () => {
    const call = () => {}
    await expect(measure({ arrivals: replay([0, 4_000_000]), call })).rejects.toThrow(
      'arrivals.timestamps.1: comes 1.11 h after the request before it',
    )
    await expect(measure({ arrivals: replay([1_700_000_000]), call })).rejects.toThrow(
      'arrivals.timestamps.0: comes 472 h after the start of the run',
    )
  })
})

describe('readTrace', () => {
  it.each<[string, string, string, ReadTraceOptions, number[]]>([
    ['a column of times alone', 'a.csv', '0\n1.5\n3\n', {}, [0, 1.5, 3]],
    ['no newline at the end', 'a.csv', '0\n1.5', {}, [0, 1.5]],
    ['line ends of Windows and a byte order mark', 'a.csv', '\uFEFFtimeMs,size\r\n0,3\r\n2,4\r\n', {}, [0, 2]],
    ['the column timeMs wherever it is', 'a.csv', 'size,timeMs\n9,1\n8,2\n', {}, [1, 2]],
    ['the first column if none has that name', 'a.csv', 'when,size\n1,9\n2,8\n', {}, [1, 2]],
    ['a column by name', 'a.csv', 'size,when\n9,1\n8,2\n', { field: 'when' }, [1, 2]],
    ['a column by number', 'a.csv', '9,1\n8,2\n', { field: 2 }, [1, 2]],
    ['another unit', 'a.csv', '0\n1.5\n', { unit: 's' }, [0, 1500]],
    [
      'fields in quotes, which hold separators, quotes and lines',
      'a.csv',
      'said,"when"\n"a,""b""\nc",1\nd,"2"\n',
      { field: 'when' },
      [1, 2],
    ],
    ['empty lines', 'a.csv', '\ntimeMs\n\n1\n\n2\n\n', {}, [1, 2]],
    ['times that are the same', 'a.csv', '1\n1\n', {}, [1, 1]],
    ['tabs', 'a.tsv', 'timeMs\tsize\n1\t2\n', {}, [1]],
    ['decimal commas between semicolons', 'a.csv', 'timeMs;path\n0,5;/a\n1,5;/b\n', {}, [0.5, 1.5]],
    ['decimal commas between tabs', 'a.csv', 'timeMs\tpath\n0,5\t/a\n1\t/b\n', {}, [0.5, 1]],
    ['decimal commas in quotes', 'a.csv', 'timeMs,path\n"0,5",/a\n"1,500",/b\n', {}, [0.5, 1.5]],
    ['semicolons without names', 'a.csv', '0.5;/a,b\n1.5;/c\n', {}, [0.5, 1.5]],
    ['commas as separators, with semicolons in a field', 'a.csv', '0.5,/a;b\n1.5,/c\n', {}, [0.5, 1.5]],
    ['a separator that is given', 'a.csv', '0,5;/a\n1,5;/b\n', { separator: ';' }, [0.5, 1.5]],
    ['bars', 'a.csv', 'path|timeMs\n/a|1\n', {}, [1]],
    ['line ends of old', 'a.csv', 'timeMs,path\r0,/a\r1,/b\r', {}, [0, 1]],
    ['exponents', 'a.csv', '1e-3\n2.5E1\n', {}, [0.001, 25]],
    ['a column of whole numbers that is named', 'a.csv', '0,5\n1,5\n', { field: 1 }, [0, 1]],
    ['a trailing separator', 'a.csv', 'timeMs,size\n0,1,\n1,2,\n', {}, [0, 1]],
    [
      'ISO times, which count from the first',
      'a.csv',
      'at,path\n2026-03-01T12:00:00Z,/a\n2026-03-01T13:00:00.0005+01:00,/b\n2026-03-01 12:00:01,/c\n',
      {},
      [0, 0.5, 1000],
    ],
    ['ISO times without names', 'a.csv', '2026-03-01T12:00Z,/a\n2026-03-01T12:01Z,/b\n', {}, [0, 60_000]],
    ['epoch times that are shifted', 'a.csv', '1700000000.5\n1700000002\n', { unit: 's', shift: true }, [0, 1500]],
    ['times that are sorted', 'a.csv', '5\n1\n3\n', { sort: true }, [1, 3, 5]],
    [
      'epoch times that are sorted',
      'a.jsonl',
      '{"timeMs":1700000000005}\n{"timeMs":1700000000000}\n',
      { sort: true, shift: true },
      [0, 5],
    ],
    ['one JSON list of numbers', 'a.json', '[0, 1.5,\n 3]', {}, [0, 1.5, 3]],
    ['one JSON list of objects', 'a.json', '[\n  { "timeMs": 1 },\n  { "timeMs": 2 }\n]\n', {}, [1, 2]],
    ['a list a line', 'a.jsonl', '["/a",1]\n["/b",2]\n', { field: 2 }, [1, 2]],
    ['a number a line', 'a.jsonl', '1\n2.5\n', {}, [1, 2.5]],
    ['an object a line', 'a.jsonl', '{"timeMs":1}\n\n{"size":3,"timeMs":2}\n', {}, [1, 2]],
    ['a field by name', 'a.ndjson', '{"at":"1"}\n{"at":2}\n', { field: 'at', unit: 'us' }, [0.001, 0.002]],
    ['a format by name', 'a.txt', '{"timeMs":1}\n', { format: 'json-lines' }, [1]],
  ])('reads %s', async (_, name, text, options, times) => {
    const path = await file(name, text)
    expect(await readTrace(path, options)).toEqual(times)
    expect(await readTrace(pathToFileURL(path), options)).toEqual(times)
  })

  it.each(['utf-16le', 'utf-16be'])('reads %s with a byte order mark', async (encoding) => {
    const bytes = Buffer.from('\uFEFFtimeMs,path\n0.5,/ä\n', 'utf16le')
    const path = join(folder, `${encoding}.csv`)
    await writeFile(path, encoding === 'utf-16be' ? bytes.swap16() : bytes)
    expect(await readTrace(path)).toEqual([0.5])
  })

  it.each([
    [
      'UTF-16 without a mark',
      Buffer.from('timeMs\n0.5\n', 'utf16le'),
      'holds null bytes, so it is not a text file; write it as UTF-8',
    ],
    ['Latin-1', Buffer.from('timeMs,stra\u00dfe\n0.5,a\n', 'latin1'), 'is not valid UTF-8 text; write it as UTF-8'],
    ['compressed', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0xff]), 'is not valid UTF-8 text; write it as UTF-8'],
  ])('rejects %s', async (_, bytes, message) => {
    const path = join(folder, 'bytes.csv')
    await writeFile(path, bytes)
    await expect(readTrace(path)).rejects.toThrow(`${path}: ${message}`)
  })

  it('returns times that can be replayed', async () => {
    const timestamps = await readTrace('examples/traces/azure-llm-code-2023.csv')
    expect(timestamps).toHaveLength(8819)
    const { counts } = simulate({ arrivals: replay(timestamps, { speed: 100 }), service: 1, warmup: { requests: 0 } })
    expect(counts.completed).toBe(8819)
  })

  it.each<[string, string, string, ReadTraceOptions, string]>([
    ['nothing', 'a.csv', '', {}, 'a.csv: holds no requests'],
    ['names alone', 'a.csv', 'timeMs,size\n', {}, 'a.csv: holds no requests'],
    ['nothing', 'a.jsonl', '\n\n', {}, 'a.jsonl: holds no requests'],
    [
      'a line that is not a number',
      'a.csv',
      'timeMs\n1\ntwo\n3\n',
      {},
      'a.csv:3: must hold a time of 0 or more in ms, got "two"',
    ],
    [
      'a line without the column',
      'a.csv',
      'size,timeMs\n1,1\n2\n',
      {},
      'a.csv:3: must hold a time of 0 or more in ms, got nothing',
    ],
    [
      'a log in the common format',
      'access.log',
      '::1 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 1\n',
      {},
      'access.log: is in Common Log Format, which has only whole seconds; configure the server to log JSON lines',
    ],
    ['a line after one of several', 'a.csv', 'timeMs,said\n1,"a\nb"\nx,c\n', {}, 'a.csv:4: must hold a time'],
    ['a negative time', 'a.csv', '0\n-1\n', {}, 'a.csv:2: must hold a time of 0 or more in ms, got "-1"'],
    [
      'times out of order',
      'a.csv',
      '0\n5\n4\n',
      { unit: 's' },
      'a.csv:3: must not be earlier than the time before it, 5 s, got "4"; sort the file',
    ],
    [
      'wall-clock times',
      'a.csv',
      '1700000000000\n',
      {},
      'a.csv:1: must hold a time within 104 days (2^53 ns) of the start',
    ],
    [
      'a missing column',
      'a.csv',
      'when,size\n1,2\n',
      { field: 'then' },
      'a.csv:1: has no column "then"; it has "when", "size"',
    ],
    ['a column beyond the last', 'a.csv', '1,2\n', { field: 3 }, 'a.csv:1: has no column 3'],
    [
      'an ISO time among numbers',
      'a.csv',
      '1\n2026-03-01T12:00:00Z\n',
      {},
      'a.csv:2: must hold a time of 0 or more in ms',
    ],
    [
      'a number among ISO times',
      'a.csv',
      '2026-03-01T12:00:00Z\n7\n',
      {},
      'a.csv:2: must hold an ISO time, as the first',
    ],
    [
      'a date that does not exist',
      'a.csv',
      '2026-03-01T12:00Z\n2026-13-01T12:00Z\n',
      {},
      'a.csv:2: must hold an ISO time',
    ],
    [
      'ISO times that are not shifted',
      'a.csv',
      '2026-03-01T12:00Z\n',
      { shift: false },
      'a.csv:1: must be a number if shift is false',
    ],
    [
      'ISO times out of order',
      'a.csv',
      '2026-03-01T12:01Z\n2026-03-01T12:00Z\n',
      {},
      'a.csv:2: must not be earlier than the time before it, "2026-03-01T12:01Z"',
    ],
    ['an open quote', 'a.csv', 'timeMs\n1\n"2\n3\n', {}, 'a.csv:3: has a quote that is not closed'],
    ['two separators', 'a.csv', '0,5;/a\n1,5;/b\n', {}, "a.csv: may have fields separated by ',' or ';'; choose one"],
    [
      'decimal commas that may be two columns',
      'a.csv',
      '0,5\n1,5\n',
      {},
      'a.csv: holds two whole numbers on each line',
    ],
    ['decimal commas between commas', 'a.csv', 'timeMs,path\n0,5,/a\n', {}, 'a.csv:2: has 3 fields separated by ","'],
    [
      'thousands or decimals',
      'a.csv',
      'timeMs;path\n999;/a\n1,234;/b\n',
      {},
      'a.csv:3: holds "1,234", with a thousands separator',
    ],
    [
      'thousands and decimals',
      'a.csv',
      'timeMs;path\n1.234,5;/a\n',
      {},
      'a.csv:2: must hold a time of 0 or more in ms',
    ],
    ['thousands', 'a.csv', 'timeMs;path\n1 234;/a\n', {}, 'a.csv:2: must hold a time of 0 or more in ms, got "1 234"'],
    [
      'points and decimal commas',
      'a.csv',
      't;p\n0,5;a\n1.5;b\n',
      {},
      'a.csv:3: must hold a time of 0 or more in ms with a decimal comma',
    ],
    ['a space', 'a.jsonl', '{"timeMs":" "}\n', {}, 'a.jsonl:1: must hold a time of 0 or more in ms, got " "'],
    ['hexadecimals', 'a.csv', '0\n0x10\n', {}, 'a.csv:2: must hold a time of 0 or more in ms, got "0x10"'],
    ['Infinity', 'a.csv', '0\nInfinity\n', {}, 'a.csv:2: must hold a time of 0 or more in ms, got "Infinity"'],
    [
      'a list with an invalid time',
      'a.json',
      '[1, null]',
      {},
      'a.json[1]: must hold a time of 0 or more in ms, got null',
    ],
    [
      'lists without a field',
      'a.jsonl',
      '[1,2]\n[3,4]\n',
      {},
      'a.jsonl:1: is a list of 2 values; choose one with the option field',
    ],
    ['a line that is not JSON', 'a.jsonl', '{"timeMs":1}\n{"timeMs":\n', {}, 'a.jsonl:2: is not JSON: "{'],
    [
      'a line that is nested too deep',
      'a.jsonl',
      `1\n${'['.repeat(6000)}`,
      {},
      'a.jsonl:2: is nested 6000 levels deep',
    ],
    [
      'a list that is nested too deep',
      'a.json',
      '['.repeat(6000) + ']'.repeat(6000),
      {},
      'a.json: is nested 6000 level',
    ],
    ['a line without the field', 'a.jsonl', '{"at":1}\n', {}, 'a.jsonl:1: has no field "timeMs"; it has "at"'],
    [
      'a field that is not a number',
      'a.jsonl',
      '{"timeMs":null}\n',
      {},
      'a.jsonl:1: must hold a time of 0 or more in ms, got null',
    ],
    [
      'an unknown option',
      'a.csv',
      '1\n',
      { column: 1 } as ReadTraceOptions,
      "readTrace: 'column' is not an option here; accepted: field, unit, format, separator, shift, sort",
    ],
    [
      'an unknown unit',
      'a.csv',
      '1\n',
      { unit: 'days' } as unknown as ReadTraceOptions,
      "readTrace.unit: must be 'ns', 'us', 'ms', 's', 'm' or 'h', got \"days\"",
    ],
    [
      'a column 0',
      'a.csv',
      '1\n',
      { field: 0 },
      'readTrace.field: must be the name of a column or field, or the number of a column from 1, got 0',
    ],
  ])('rejects %s in %s', async (_, name, text, options, message) => {
    const refused = readTrace(await file(name, text), options)
    await expect(refused).rejects.toThrow(ValidationError)
    await expect(refused).rejects.toThrow(message)
  })

  it('reports a missing file', async () => {
    await expect(readTrace('nowhere.csv')).rejects.toThrow('nowhere.csv: does not exist')
  })
})
