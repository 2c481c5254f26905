/** The types of a request, as the walks need them. */
import type { ClaimRequest } from '../../contract.js';

/** A type, and the most of it that is wanted: `Infinity` where it has no limit of its own. */
export type RequestedType = readonly [type: string, most: number];

/** Demands mostly come with the same map again: what is derived from it is kept. */
export class RequestedTypes {
  #types: ClaimRequest['types'] | undefined;
  #list: readonly RequestedType[] = [];

  /** The types of which anything may be taken. */
  of({ types }: ClaimRequest): readonly RequestedType[] {
    if (types !== this.#types) {
      this.#list = [...types].filter(([, most]) => most > 0);
      this.#types = types;
    }
    return this.#list;
  }
}
