/** The types of a claim request that may take anything, as a list. */
import type { ClaimRequest } from '../../contract.js';

/** A type, and its limit: `Infinity` if it has none. */
export type RequestedType = readonly [type: string, most: number];

/** Requests mostly hold the same map as the one before, so the list is kept. */
export class RequestedTypeList {
  #types: ClaimRequest['types'] | undefined;
  #list: readonly RequestedType[] = [];

  /** The types with a limit above 0. */
  of({ types }: ClaimRequest): readonly RequestedType[] {
    if (types !== this.#types) {
      this.#list = [...types].filter(([, most]) => most > 0);
      this.#types = types;
    }
    return this.#list;
  }
}
