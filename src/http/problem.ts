/**
 * The errors of the API: `application/problem+json` (RFC 9457) with a code.
 *
 * Invariants:
 * - One table maps every code to its status.
 * - An answer shows no stack, and nothing of an error that the library did not make.
 */
import type { ErrorCode } from '../index.js';

/** The codes of this API, beside those of the library. */
export type HttpErrorCode = keyof typeof HTTP_STATUS;
/** The code of an answer that is an error. */
export type ProblemCode = ErrorCode | HttpErrorCode;

/** The codes of this API and their statuses. */
export const HTTP_STATUS = {
  REQUEST_INVALID: 400,
  BODY_MALFORMED: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  ORIGIN_REFUSED: 403,
  HOST_REFUSED: 403,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  STEP_ALREADY_ENDED: 409,
  STEP_NOT_RETRYABLE: 409,
  STEP_MISMATCH: 409,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  INTERNAL: 500,
} as const;

const LIBRARY_STATUS: Readonly<Record<ErrorCode, number>> = {
  OPTION_INVALID: 400,
  STEP_INVALID: 400,
  STEP_TYPE_INVALID: 400,
  STEP_TYPE_UNKNOWN: 400,
  PAYLOAD_UNSERIALIZABLE: 400,
  PAYLOAD_TOO_LARGE: 413,
  STEP_NOT_FOUND: 404,
  NOT_LEADER: 409,
  NOT_STARTED: 409,
  STORE_REFUSED: 422,
  STOPPED: 503,
  SUBMIT_INCOMPLETE: 503,
  STORE_ACCESS_DENIED: 503,
  STORE_ALTERED: 503,
  STORE_BUSY: 503,
  STORE_CLOSED: 503,
  STORE_CORRUPT: 503,
  STORE_DRIVER_MISSING: 503,
  STORE_FILE_REPLACED: 503,
  STORE_FULL: 503,
  STORE_LOGIN_REFUSED: 503,
  STORE_NETWORK_FS: 503,
  STORE_NOT_A_DATABASE: 503,
  STORE_NO_WAREHOUSE: 503,
  STORE_SCHEMA_NEWER: 503,
  STORE_TABLE_KIND: 503,
  STORE_UNAVAILABLE: 503,
  STORE_UNWRITABLE: 503,
  // No route throws these; if one did, that would be a bug.
  STEP_TYPE_DUPLICATE: 500,
  REGISTER_LATE: 500,
  STEP_FAILED: 500,
  STEP_CANCELLED: 500,
  WAIT_TIMEOUT: 500,
  WAIT_ABORTED: 500,
  STEP_TIMED_OUT: 500,
  STEP_CRASHED_POD: 500,
  STEP_ARGS_MISMATCH: 500,
  RESULT_UNSERIALIZABLE: 500,
  RESULT_TOO_LARGE: 500,
  RESULT_UNREADABLE: 500,
  RESULT_UNSTORABLE: 500,
  CLAIM_ABORTED: 500,
};

/** The status of each code. */
export const STATUS_OF: Readonly<Record<ProblemCode, number>> = { ...LIBRARY_STATUS, ...HTTP_STATUS };

/** The title of each status: its phrase in HTTP. */
const TITLE_OF: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What an answer adds to its problem. */
export interface ProblemDetails {
  /** The path of the wrong field, such as `steps[3].priority`. */
  readonly field?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the answer's body. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** An error that becomes an answer. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly field: string | undefined;
  readonly #details: ProblemDetails;

  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    super(detail);
    this.code = code;
    this.status = STATUS_OF[code];
    this.field = details.field;
    this.#details = details;
  }

  /** The answer. */
  toResponse(): Response {
    const { status, code, field, message: detail } = this;
    const title = TITLE_OF[status] ?? 'Error';
    const body = { type: 'about:blank', title, status, detail, code, field, ...this.#details.members };
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/problem+json', ...this.#details.headers },
    });
  }
}
