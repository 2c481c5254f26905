import { describe, expect, it } from 'vitest';
import { defineStep } from '../../src/step/definition.js';
import { childCall, childrenCall } from '../../src/step/child-call.js';
import { childId } from '../../src/step/derived-step-id.js';
import { submitCall, submitManyCall } from '../../src/step/submit-call.js';
import { validationErrorOf } from '../support/validation-error.js';

const resize = defineStep({ type: 'resize', run: (args: { file: string; width?: number }) => args.file });

class Urgent {
  readonly #level = 9;
  get priority(): number {
    return this.#level;
  }
  get idempotencyKey(): string {
    return `level ${this.#level}`;
  }
}

/** What a handler's step becomes, without the type and the args. */
function optionsOf(args: unknown, options?: unknown, parent = 'parent') {
  const { type: _type, args: _args, ...rest } = childCall(parent, resize, args, options).input;
  return rest;
}

describe('a step that is submitted by its definition', () => {
  it('becomes one object: the options, the type and the args', () => {
    const call = submitCall(resize, { file: 'a' }, { priority: 5 });
    expect(call?.input).toEqual({ type: 'resize', args: { file: 'a' }, priority: 5 });
    expect(call?.definition.type).toBe('resize');
    expect(submitCall(resize, undefined, undefined)?.input).toEqual({ type: 'resize' });
  });

  it('is distinguished from a step that is given as one object', () => {
    expect(submitCall({ type: 'resize' }, undefined, undefined)).toBeUndefined();
    expect(submitManyCall([{ type: 'resize' }], undefined, undefined)).toBeUndefined();
  });

  it.each<[string, unknown, unknown, unknown, string, string]>([
    ['a name in place of the definition', 'resize', { file: 'a' }, undefined, 'definition', 'got "resize"'],
    ['options beside an object', { type: 'resize' }, undefined, {}, 'definition', 'what defineStep returned'],
    ['args among the options', resize, undefined, { args: 1 }, 'options.args', 'is not known'],
    ['a misspelt option', resize, undefined, { priorty: 1 }, 'options.priorty', 'did you mean priority?'],
    ['an option of another queue', resize, undefined, { delay: 1 }, 'options.delay', 'did you mean delayMs?'],
    ['a name', resize, undefined, { name: 'a' }, 'options.name', 'is not known; name belongs to ctx.submit'],
    ['timeoutMs', resize, undefined, { timeoutMs: 1 }, 'options.timeoutMs', 'timeoutMs belongs to the step type'],
    ['timeout', resize, undefined, { timeout: 1 }, 'options.timeout', 'timeoutMs belongs to the step type'],
    ['backoff', resize, undefined, { backoff: 1 }, 'options.backoff', 'retry belongs to the step type'],
    ['attempts', resize, undefined, { attempts: 1 }, 'options.attempts', 'did you mean maxRetries?'],
    ['a wrong option', resize, undefined, { priority: 1.5 }, 'options.priority', 'got 1.5'],
    ['options to be awaited', resize, undefined, Promise.resolve({}), 'options', 'got [Promise]; await it first'],
    ['a Map of options', resize, undefined, new Map([['priority', 5]]), 'options', 'expected an object, got [Map]'],
    ['a Date in place of options', resize, undefined, new Date(0), 'options', 'expected an object, got [Date]'],
    ['a Map of metadata', resize, undefined, { metadata: new Map() }, 'options.metadata', 'got [Map]'],
    ['options that are no object', resize, undefined, 5, 'options', 'expected an object, got 5'],
    ['two ids', resize, undefined, { stepId: 'a', idempotencyKey: 'b' }, 'options.idempotencyKey', 'got "b" and "a"'],
    ['two times', resize, undefined, { runAt: 1, delayMs: 2 }, 'options.runAt', 'together with delayMs, got 1 and 2'],
    ['a definition without a type', { run: () => 1 }, undefined, undefined, 'step.type', 'is missing'],
  ])('is refused with %s', (_, given, args, options, field, problem) => {
    const error = validationErrorOf(() => submitCall(given, args, options));
    expect(error.field).toBe(field);
    expect(error.message).toContain(problem);
  });

  it('takes an object with a handler for a definition, and says so if the object is none', () => {
    const error = validationErrorOf(() =>
      submitCall({ type: 'resize', args: { x: 1 }, run: () => 1 }, undefined, undefined),
    );
    expect(error).toMatchObject({ code: 'STEP_TYPE_INVALID', field: 'step.args' });
    expect(error.message).toBe(
      'step.args: expected a Standard Schema, got { x }; an object with a function `run` is taken for a step definition',
    );
    const many = validationErrorOf(() => submitManyCall({ type: 'resize', priority: 1, run: () => 1 }, [], undefined));
    expect(many.message).toContain('step.priority: is not known; an object with a function `run`');
  });

  it('keeps options that are inherited: a getter or a default of a class', () => {
    const call = submitCall(resize, { file: 'a' }, new Urgent());
    expect(call?.input).toEqual({ type: 'resize', args: { file: 'a' }, priority: 9, idempotencyKey: 'level 9' });
    const many = [...submitManyCall(resize, [{ file: 'a' }], () => new Urgent())!.inputs];
    expect(many).toEqual([call?.input]);
  });

  it.each(['data', 'payload', 'params'])('suggests args if a step has %s', (word) => {
    expect(validationErrorOf(() => submitCall(resize, {}, { [word]: 1 })).field).toBe(`options.${word}`);
  });
});

describe('many steps of one definition', () => {
  const inputs = (argsList: unknown, options?: unknown) => [...submitManyCall(resize, argsList, options)!.inputs];

  it('share their options, or each gets its own from a function', () => {
    const list = [{ file: 'a' }, { file: 'b' }];
    expect(inputs(list, { priority: 2 })).toEqual(list.map((args) => ({ type: 'resize', args, priority: 2 })));
    const keyed = inputs(new Set(list), ({ file }: { file: string }, i: number) => ({ idempotencyKey: `${i}${file}` }));
    expect(keyed).toMatchObject([{ idempotencyKey: '0a' }, { idempotencyKey: '1b' }]);
  });

  it.each(['stepId', 'idempotencyKey'])('cannot share one %s', (field) => {
    const error = validationErrorOf(() => submitManyCall(resize, [], { [field]: 'x' }));
    expect(error.message).toBe(
      `options.${field}: is for one step, got "x"; pass a function (args, index) => ({ ${field}: … })`,
    );
  });

  it('are refused if they are not a list, or if a function returns bad options', () => {
    const none = validationErrorOf(() => submitManyCall(resize, { file: 'a' }, undefined));
    expect(none.message).toBe('steps: expected an iterable of args, got { file }');
    const later = validationErrorOf(() => inputs([1], () => Promise.resolve({ priority: 1 })));
    expect(later.message).toBe('options(…, 0): expected an object, got [Promise]; await it first');
    const both = () => ({ runAt: 1, delayMs: 2 });
    expect(validationErrorOf(() => inputs([1], both)).field).toBe('options(…, 0).runAt');
    expect(
      validationErrorOf(() => inputs([1, 2], (_: number, i: number) => (i === 1 ? { priority: 'high' } : {}))).field,
    ).toBe('options(…, 1).priority');
  });
});

describe('a step that a handler submits', () => {
  it('has an id that is made from the parent, the type and the args, whatever the order of their keys', () => {
    const { stepId } = optionsOf({ file: 'a', width: 1 });
    expect(stepId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(optionsOf({ width: 1, file: 'a' }).stepId).toBe(stepId);
    expect(optionsOf({ file: 'a', width: 2 }).stepId).not.toBe(stepId);
    expect(optionsOf({ file: 'a', width: 1 }, undefined, 'other').stepId).not.toBe(stepId);
    expect(childId('parent', 'crop', { argsText: '{"file":"a","width":1}' })).not.toBe(stepId);
  });

  it('never changes its id between versions of the library', () => {
    expect(optionsOf({ file: 'a' }).stepId).toBe('c56486c4-ac72-5dd6-8bb4-ddf58242a884');
    expect(optionsOf({ file: 'a' }, { name: 'first' }).stepId).toBe('6df9a412-3ab9-5b74-a331-c20b16e1a4d3');
  });

  it('has an id that is made from its name, whatever its args, if it has a name', () => {
    const { stepId, ...rest } = optionsOf({ file: 'a' }, { name: 'first', priority: 3 });
    expect(rest).toEqual({ priority: 3 });
    expect(optionsOf({ file: 'b' }, { name: 'first' }).stepId).toBe(stepId);
    expect(optionsOf({ file: 'a' }, { name: 'second' }).stepId).not.toBe(stepId);
    expect(optionsOf('first').stepId).not.toBe(stepId);
  });

  it('keeps an id or a key that the handler has chosen', () => {
    expect(optionsOf({ file: 'a' }, { stepId: 'mine' })).toEqual({ stepId: 'mine' });
    expect(optionsOf({ file: 'a' }, { idempotencyKey: 'mine' })).toEqual({ idempotencyKey: 'mine' });
  });

  it('keeps options that are inherited', () => {
    expect(optionsOf({ file: 'a' }, new Urgent())).toEqual({ priority: 9, idempotencyKey: 'level 9' });
  });

  it('is refused for a name with an id or key, a bad name, args that JSON cannot hold, or no definition', () => {
    expect(validationErrorOf(() => optionsOf({}, { name: 'a', stepId: 'b' })).message).toBe(
      'options.name: cannot be given together with stepId, got "a" and "b"',
    );
    expect(validationErrorOf(() => optionsOf({}, { name: 'a', idempotencyKey: 'b' })).message).toContain(
      'idempotencyKey',
    );
    expect(validationErrorOf(() => optionsOf({}, { name: '' })).message).toContain('options.name: expected text');
    expect(validationErrorOf(() => optionsOf({ at: new Date() }))).toMatchObject({ field: 'args.at' });
    expect(validationErrorOf(() => childCall('parent', { type: 'resize' }, {}, {})).field).toBe('definition');
  });

  it('gets its name from a function if there are many, because a name is for one step', () => {
    const each = (argsList: unknown, options: unknown) => [...childrenCall('parent', resize, argsList, options).inputs];
    expect(each([{ file: 'a' }], { priority: 2 })).toEqual([
      childCall('parent', resize, { file: 'a' }, { priority: 2 }).input,
    ]);
    const named = each([{ file: 'a' }, { file: 'b' }], (_: unknown, i: number) => ({ name: `${i}` }));
    expect(named[1]).toEqual(childCall('parent', resize, { file: 'b' }, { name: '1' }).input);
    for (const field of ['name', 'stepId', 'idempotencyKey']) {
      const error = validationErrorOf(() => childrenCall('parent', resize, [], { [field]: 'all' }));
      expect(error.message).toContain(`options.${field}: is for one step, got "all"; pass a function`);
    }
    expect(validationErrorOf(() => each([1, { at: 1n }], undefined)).field).toBe('steps[1].args.at');
    expect(validationErrorOf(() => each({ file: 'a' }, undefined)).message).toContain('an iterable of args');
    expect(validationErrorOf(() => each([1, 2], (_: number, i: number) => (i === 1 ? { name: '' } : {}))).field).toBe(
      'options(…, 1).name',
    );
  });

  it('has options that are read as often for a hundred steps as for one', () => {
    const reads = (steps: number): number => {
      let count = 0;
      const options = new Proxy(
        { priority: 2 },
        { get: (target, key) => (count++, Reflect.get(target, key) as unknown) },
      );
      const { inputs } = childrenCall(
        'parent',
        resize,
        Array.from({ length: steps }, (_, i) => i),
        options,
      );
      expect([...inputs]).toHaveLength(steps);
      return count;
    };
    expect(reads(100)).toBe(reads(1));
  });
});
