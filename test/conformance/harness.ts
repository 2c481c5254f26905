/**
 * What the store contract suite needs to drive a store: how to open one, and short words for what tests do with it.
 *
 * The suite knows only the contract. Spans are counted in ticks, so that a store whose clock cannot be turned by hand
 * can take part in real time.
 */
import { expect } from 'vitest';
import type {
  Claim,
  ClaimRequest,
  ExchangeReply,
  ExchangeRequest,
  Fence,
  Heartbeat,
  PodRef,
  PodRegistration,
  PodView,
  Receipt,
  Settlement,
  StepRecord,
  Store,
} from '../../src/store/contract.js';
import type { NewStep } from '../../src/step/submission.js';

/** An open store on fresh data, and what surrounds it. */
export interface OpenedStore {
  readonly store: Store;
  /**
   * Another open handle on the same data, as another process would have it; where there can be none, the same.
   *
   * @param wallAheadMs by how much the wall clock of that process is ahead of ours. Default 0
   */
  another(wallAheadMs?: number): Promise<Store>;
  /** The unit of time of the tests: no test takes so long between two calls, so that a span of one tick is safe to tell. */
  readonly tickMs: number;
  /** `false`: the database enforces no keys, so of those who submit a step at the same instant several may be told that they made it. */
  readonly uniqueKeys?: false;
  /** Lets so much time pass on the store's clock. */
  pass(ms: number): Promise<void>;
  /** Closes every handle, and lets go of the data. */
  close(): Promise<void>;
}

export type OpenStore = () => Promise<OpenedStore>;

/** Long enough for nobody to be called dead by chance. */
const LONG_MS = 86_400_000;

let serial = 0;
/** A name that no other test has used. */
export const fresh = (word: string): string => `${word}-${String(++serial).padStart(6, '0')}`;

/** A step as its submitter would send it: of type `work`, due at once. */
export function newStep(over: Partial<NewStep> & { readonly args?: unknown } = {}): NewStep {
  const { args, ...rest } = over;
  const type = rest.type ?? 'work';
  const payload = JSON.stringify({ type, ...(args === undefined ? {} : { args }) });
  return { stepId: fresh('step'), type, payload, priority: 0, maxRetries: 3, delayMs: 0, runAt: null, ...rest };
}

/** `count` steps with ids in order. */
export function newSteps(count: number, over: Partial<NewStep> = {}): NewStep[] {
  return Array.from({ length: count }, () => newStep(over));
}

/** A settlement of `fence` as completed, unless told otherwise. */
export function settlement(fence: Fence, over: Partial<Settlement> = {}): Settlement {
  const { stepId, claimToken, version } = fence;
  const completed = { status: 'completed', delayMs: null, charge: 0, crash: 0, result: '"done"', error: null } as const;
  return { stepId, claimToken, version, ...completed, ...over };
}

/** Given back, due at once or after `delayMs`; charged to nobody unless told otherwise. */
export function givenBack(fence: Fence, over: Partial<Settlement> = {}): Settlement {
  return settlement(fence, { status: 'pending', result: null, ...over });
}

export const ids = (steps: readonly { readonly stepId: string }[]): string[] => steps.map((step) => step.stepId);

/** What a claim request says other than the default; `types` as a plain object where their names allow it. */
export type ClaimRequestOver = Partial<Omit<ClaimRequest, 'types'>> & {
  readonly types?: Readonly<Record<string, number>> | ReadonlyMap<string, number>;
};

/** Short words over the store of the running test. */
export class Harness {
  readonly #opened: () => OpenedStore;

  constructor(opened: () => OpenedStore) {
    this.#opened = opened;
  }

  get store(): Store {
    return this.#opened().store;
  }

  get tickMs(): number {
    return this.#opened().tickMs;
  }

  get uniqueKeys(): boolean {
    return this.#opened().uniqueKeys ?? true;
  }

  another(wallAheadMs?: number): Promise<Store> {
    return this.#opened().another(wallAheadMs);
  }

  pass(ticks: number): Promise<void> {
    return this.#opened().pass(ticks * this.tickMs);
  }

  /**
   * Lets every session and every handle see what the others have committed, which reads may show late. Called where a test
   * reads by another way than it wrote: a store may have several sessions under one handle.
   */
  async seen(): Promise<void> {
    const { staleReadMs } = this.store;
    if (staleReadMs > 0) await this.#opened().pass(staleReadMs);
  }

  /** Registers a new pod. It is never silent for long, unless it says otherwise. */
  async join(over: Partial<PodRegistration> = {}, store = this.store): Promise<PodRef> {
    const pod = { podId: over.podId ?? fresh('pod'), incarnation: over.incarnation ?? fresh('life') };
    await store.register({ heartbeatMs: 1_000, deadAfterMs: LONG_MS, meta: {}, ...over, ...pod });
    return pod;
  }

  /** Registers a new pod that may be called dead after one tick of silence. */
  joinMortal(over: Partial<PodRegistration> = {}): Promise<PodRef> {
    return this.join({ heartbeatMs: Math.ceil(this.tickMs / 4), deadAfterMs: this.tickMs, ...over });
  }

  async beat(pod: PodRef, over: Partial<Heartbeat> = {}) {
    await this.seen();
    return this.store.heartbeat(pod, { eligible: true, asleep: false, meta: {}, ...over });
  }

  /** Submits one step. */
  async submit(over: Parameters<typeof newStep>[0] = {}): Promise<NewStep> {
    const step = newStep(over);
    expect(await this.store.submit([step])).toEqual(['created']);
    return step;
  }

  exchange(request: ExchangeRequest, store = this.store): Promise<ExchangeReply> {
    return store.exchange(request);
  }

  /** Claims up to `free` steps of type `work`, or what `over` asks for. */
  async claim(pod: PodRef, over: ClaimRequestOver = {}, store = this.store): Promise<readonly Claim[]> {
    const claim = claimRequest(over);
    await this.seen();
    return (await store.exchange({ pod, settlements: [], claim })).claims;
  }

  /** Claims exactly one step. */
  async claimOne(pod: PodRef, over: ClaimRequestOver = {}): Promise<Claim> {
    const claims = await this.claim(pod, { free: 1, ...over });
    expect(claims).toHaveLength(1);
    return claims[0]!;
  }

  /** Submits a step and has `pod` claim it. */
  async held(pod: PodRef, over: Parameters<typeof newStep>[0] = {}): Promise<Claim> {
    const type = over?.type ?? fresh('type');
    const step = await this.submit({ ...over, type });
    const claim = await this.claimOne(pod, { types: { [type]: 1 } });
    expect(claim.stepId).toBe(step.stepId);
    return claim;
  }

  /** Settles one claim through the pool's exchange. */
  async settle(pod: PodRef, one: Settlement, store = this.store): Promise<Receipt> {
    const { receipts } = await store.exchange({ pod, settlements: [one] });
    expect(receipts).toHaveLength(1);
    return receipts[0]!;
  }

  /** A pending step of a type of its own that has been charged with so many crashes. */
  async crashed(crashes: number, over: Partial<NewStep> = {}): Promise<NewStep> {
    const witness = await this.join();
    const type = over.type ?? 'work';
    const step = await this.submit({ ...over, type });
    for (let i = 0; i < crashes; i++) {
      const claims = await this.claim(witness, { free: 100, quarantine: 1, types: { [type]: 100 } });
      const settlements = claims.map((claim) => givenBack(claim, { crash: claim.stepId === step.stepId ? 1 : 0 }));
      expect(await this.store.settle(witness, settlements)).toEqual(settlements.map(() => 'settled'));
    }
    expect((await this.step(step)).crashes).toBe(crashes);
    return step;
  }

  async step({ stepId }: { readonly stepId: string }): Promise<StepRecord> {
    await this.seen();
    const [found] = await this.store.find([stepId]);
    expect(found, `step ${stepId}`).toBeDefined();
    return found!;
  }

  /** How the fleet sees `pod`; `undefined` where it does not. */
  async view(pod: PodRef): Promise<PodView | undefined> {
    await this.seen();
    return (await this.store.fleet()).find((view) => view.pod.incarnation === pod.incarnation);
  }
}

/** A claim request for up to ten steps of type `work`, none ahead, with nothing in quarantine. */
export function claimRequest({ types = { work: 100 }, ...over }: ClaimRequestOver = {}): ClaimRequest {
  const limits = types instanceof Map ? types : new Map(Object.entries(types));
  return { token: fresh('token'), free: 10, prefetch: 0, quarantine: 0, ...over, types: limits };
}
