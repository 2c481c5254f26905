/** Injects faults: rules that tests set, each checked in turn for every request. */
import type { StatementKind } from './statement-kind.js';
import type { Refusal } from './wire-replies.js';

export type Fault =
  /** An HTTP error instead of an answer; nothing ran. 429 and 5xx are what the driver sends again. */
  | { readonly kind: 'status'; readonly status: number }
  /** The connection is cut before anything ran. */
  | { readonly kind: 'cut' }
  /** The connection is cut after everything ran: the reply is lost. */
  | { readonly kind: 'lost' }
  /**
   * The connection is cut, but the statement lands after the given time, and not before `until`. `unanswered`: the
   * connection stays, and nothing comes over it; so the driver does not send again, and the client has long given up when
   * the statement lands.
   */
  | {
      readonly kind: 'late';
      readonly afterMs?: number;
      readonly until?: Promise<unknown>;
      readonly unanswered?: boolean;
    }
  /**
   * The network holds the request, or its answer, until then. So the statement runs late, or runs at once and its client
   * learns of it late.
   */
  | { readonly kind: 'held'; readonly what: 'request' | 'answer'; readonly until: Promise<unknown> }
  /** No answer ever comes, and nothing runs. */
  | { readonly kind: 'hang' }
  /** The network delivers the request twice. Both have one requestId, so it runs once. */
  | { readonly kind: 'twice' }
  /**
   * The request is delivered twice, and runs twice: where the requestId does not help. Both runs of an INSERT see the data
   * of before, as where it is sent again while it still runs: so it makes two rows of each, also if it looks for them.
   */
  | { readonly kind: 'rerun' }
  /** The answer is "in progress", with the URL of the result, for so long at the least. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** 390112: the token has to be renewed. */
  | { readonly kind: 'expired' }
  /** 390111: the session has ended. */
  | { readonly kind: 'gone' }
  /** HTTP 401 with 390104: the token belongs to no session. */
  | { readonly kind: 'invalid' }
  /** Snowflake refuses, for the reason given; nothing ran. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Route = 'login' | 'renew' | 'logout' | 'heartbeat' | 'query' | 'result' | 'abort' | 'status' | 'telemetry';

/** What a rule may match. */
export interface Target {
  readonly route: Route;
  /** Of a query alone, as is what follows. */
  readonly kind?: StatementKind;
  readonly text?: string;
  readonly tag?: string;
  /** The binds, as JSON. */
  readonly binds?: string;
}

export interface Aim {
  /** Default: `query`. */
  readonly route?: Route;
  readonly kinds?: readonly StatementKind[];
  readonly text?: RegExp;
  readonly tag?: string | RegExp;
  readonly binds?: RegExp;
  /** How often. Default: once, or without end if there is a `rate`. */
  readonly times?: number;
  /** With which probability, 0 to 1; default 1. */
  readonly rate?: number;
  /** How many requests in a row it hits once it has started: a storm. Default: 1. */
  readonly inARow?: number;
  /** Under which it is counted among what has happened; default the kind of the fault. */
  readonly name?: string;
}

interface Rule {
  readonly fault: Fault;
  readonly aim: Aim;
  left: number;
  /** How many of a storm are still to come. */
  storm: number;
}

export class Faults {
  #rules: Rule[] = [];
  readonly #happened = new Map<string, number>();
  /** Chance, for rules with a rate; a test that wants to be repeatable puts its own. */
  random: () => number = Math.random;

  /** How often each has happened, since the start or the last `clear`. */
  get happened(): ReadonlyMap<string, number> {
    return this.#happened;
  }

  /** Returns what takes it back. */
  inject(fault: Fault, aim: Aim = {}): () => void {
    const rule = { fault, aim, left: aim.times ?? (aim.rate === undefined ? 1 : Infinity), storm: 0 };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((one) => one !== rule);
    };
  }

  clear(): void {
    this.#rules = [];
    this.#happened.clear();
  }

  /**
   * What goes wrong with this request. Rules with a rate share one draw, so that each happens at its own rate, whatever
   * stands before it: together they may come to 1.
   */
  take(target: Target): Fault | undefined {
    let chance: number | undefined;
    const rule = this.#rules.find((one) => {
      if (one.left <= 0 || !hits(one.aim, target)) return false;
      const { rate = 1 } = one.aim;
      if (one.storm > 0 || rate >= 1) return true;
      const before = (chance ??= this.random());
      chance -= rate;
      return before >= 0 && before < rate;
    });
    if (rule === undefined) return undefined;
    rule.left--;
    rule.storm = (rule.storm === 0 ? (rule.aim.inARow ?? 1) : rule.storm) - 1;
    if (rule.left === 0) this.#rules = this.#rules.filter((one) => one !== rule);
    const name = rule.aim.name ?? rule.fault.kind;
    this.#happened.set(name, (this.#happened.get(name) ?? 0) + 1);
    return rule.fault;
  }
}

function hits(aim: Aim, target: Target): boolean {
  if (target.route !== (aim.route ?? 'query')) return false;
  if (aim.kinds !== undefined && (target.kind === undefined || !aim.kinds.includes(target.kind))) return false;
  if (aim.text !== undefined && !aim.text.test(target.text ?? '')) return false;
  if (aim.binds !== undefined && !aim.binds.test(target.binds ?? '')) return false;
  if (aim.tag === undefined) return true;
  return typeof aim.tag === 'string' ? aim.tag === target.tag : aim.tag.test(target.tag ?? '');
}
