/** Reads the JSON body of a request, up to a bound. */
import { Problem } from '../problem.js';

export interface BodyLimits {
  readonly maxBytes: number;
}

/**
 * The value of a request's body; `undefined` if it is empty.
 *
 * @throws Problem `BODY_TOO_LARGE`, `BODY_MALFORMED`
 */
export async function readJson(request: Request, { maxBytes }: BodyLimits): Promise<unknown> {
  const text = await request.text();
  if (text.length > maxBytes) throw new Problem('BODY_TOO_LARGE', `the body is longer than ${maxBytes} bytes`);
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Problem('BODY_MALFORMED', `the body is not JSON: ${(error as Error).message}`);
  }
}
