/** For pools whose handlers submit nothing. */
import type { ChildSubmitter } from '../../../src/pool/execution/context.js';

const refuse = () => Promise.reject(new Error('no handler of this test submits'));

export const noSubmitter: ChildSubmitter = { submitCall: refuse, submitManyCall: refuse };
