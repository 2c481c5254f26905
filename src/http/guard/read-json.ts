/**
 * Reads the body of a request as JSON, within bounds.
 *
 * Invariants:
 * - Never more than `maxBytes` are kept, whatever `Content-Length` says. A body that is too large is not read to its end.
 * - A compressed body is refused: its size after decompression is not bounded.
 * - Only `application/json` is read. A page of another site cannot send it without a preflight request.
 * - The value has no prototype that the text chose: `JSON.parse` makes a field of `__proto__`, as of any other name.
 */
import { show } from '../../errors.js';
import { Problem } from '../problem.js';
import { isDeeperThan } from './json-depth.js';

export interface BodyLimits {
  /** The largest body, in bytes. */
  readonly maxBytes: number;
}

/** How deep arrays and objects may nest: a little more than the args of a step may, whose error is more precise. */
const MAX_DEPTH = 210;
/** `application/json`, alone or with a charset. */
const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/**
 * The value of the body; `undefined` if the request has none.
 *
 * @throws Problem with status 400, 413 or 415
 */
export async function readJson(request: Request, { maxBytes }: BodyLimits): Promise<unknown> {
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw new Problem('MEDIA_TYPE_UNSUPPORTED', `send the body as it is: ${show(encoding)} is not decoded`);
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0) return undefined;
  const type = request.headers.get('content-type') ?? '';
  if (!JSON_TYPE.test(type))
    throw new Problem('MEDIA_TYPE_UNSUPPORTED', `expected the content type application/json, got ${show(type)}`);
  return parse(decode(bytes));
}

async function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  const reader = readerOf(request);
  let bytes: Buffer = Buffer.alloc(0);
  let length = 0;
  for (;;) {
    const { done, value } = await next(reader);
    if (done || value === undefined) return bytes.subarray(0, length);
    if (length + value.byteLength > maxBytes) {
      void reader?.cancel().catch(() => undefined); // the rest is not read
      throw tooLarge(maxBytes);
    }
    bytes = grown(bytes, length + value.byteLength);
    bytes.set(value, length);
    length += value.byteLength;
  }
}

/** One buffer, not a list: chunks of one byte each would take a hundred times the memory of the body. */
function grown(bytes: Buffer, least: number): Buffer {
  return bytes.length >= least ? bytes : Buffer.concat([bytes], Math.max(least, 2 * bytes.length));
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

function readerOf(request: Request): Reader | undefined {
  if (request.bodyUsed) throw new Error('something in front of this handler has read the body of the request');
  return request.body?.getReader() as Reader | undefined;
}

async function next(reader: Reader | undefined): Promise<{ done: boolean; value?: Uint8Array | undefined }> {
  if (reader === undefined) return { done: true };
  try {
    return await reader.read();
  } catch {
    throw new Problem('BODY_MALFORMED', 'the body ended before it was complete');
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('BODY_MALFORMED', 'the body is not UTF-8');
  }
}

function parse(text: string): unknown {
  if (isDeeperThan(text, MAX_DEPTH))
    throw new Problem('BODY_MALFORMED', `the body nests deeper than ${MAX_DEPTH} levels`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem('BODY_MALFORMED', `the body is not JSON: ${(error as SyntaxError).message.slice(0, 160)}`);
  }
}

function tooLarge(maxBytes: number): Problem {
  return new Problem('BODY_TOO_LARGE', `the body has more than ${maxBytes} bytes`);
}
