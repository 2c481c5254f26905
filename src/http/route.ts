/** A row of the table of routes. Matching, the guard, validation and the OpenAPI document all come from it. */
import type { AnyFleetQ } from '../index.js';
import type { Action } from './action.js';
import type { Redaction } from './guard/redact.js';
import type { MetricsSource } from './options.js';
import type { BirthTimes } from './birth-times.js';
import type { FleetPolls } from './fleet-polls.js';

/** A JSON Schema of the 2020-12 dialect. */
export type Schema = Readonly<Record<string, unknown>> | boolean;
/** The schemas of named values. */
export type Properties = Readonly<Record<string, Schema>>;

/** What a route answers, before it is written. */
export interface Answer {
  readonly status: number;
  /** The body, which is written as JSON. */
  readonly json?: unknown;
  /** The body, which is written as it is. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What every route works with. */
export interface Services extends FleetPolls {
  readonly queue: AnyFleetQ;
  readonly births: BirthTimes;
  readonly redaction: Redaction;
  readonly metrics: MetricsSource | undefined;
  readonly basePath: string;
  /** The OpenAPI document of this handler. */
  readonly document: () => unknown;
}

/** What the client sent, checked by the schemas of the route. */
export interface Input {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Whether the client may do the route's `moreFor`. */
  readonly mayKnowMore: boolean;
}

/** The body of a request. */
export interface BodySpec {
  readonly schema: Schema;
  /** Whether there must be one. An absent body is `{}`. */
  readonly required: boolean;
  readonly example: unknown;
}

/** One kind of answer. */
export interface AnswerSpec {
  readonly description: string;
  /** Absent: the answer has no JSON body. */
  readonly schema?: Schema;
  readonly mediaType?: string;
  readonly headers?: Properties;
  readonly example?: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Parameters in braces, such as `/status/{step_id}`. */
  readonly path: string;
  /** What `can` is asked; absent for a probe, which answers anyone. */
  readonly action?: Action;
  /** Of a probe: who may do this gets a longer answer. */
  readonly moreFor?: Action;
  /** The group in the document. */
  readonly tag: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Properties;
  readonly query?: Properties;
  readonly body?: BodySpec;
  /** The answers by status. Errors that every route may answer are added by the document. */
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Statuses of errors that are particular to this route. */
  readonly problems?: readonly number[];
  readonly handle: (input: Input, services: Services) => Answer | Promise<Answer>;
}
