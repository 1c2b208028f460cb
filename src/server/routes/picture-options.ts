// What may be asked of a prediction, in the query or beside the pictures; a field beside the pictures wins.

import { errors } from '../errors.js';

export interface PictureOptions {
  /** How many labels, best first. */
  readonly top: number;
  readonly members: boolean;
  readonly onMemberFailure: 'fail' | 'degrade';
  readonly deadlineMs?: number;
}

const mostDeadline = 600_000;

/** @throws BAD_PARAMETER */
export function pictureOptions(
  query: Readonly<Record<string, unknown>>,
  fields: ReadonlyMap<string, unknown>,
): PictureOptions {
  const given = new Map<string, unknown>([...Object.entries(query), ...fields]);
  const whole = (name: string, most: number): number | undefined => {
    const value = given.get(name);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^[1-9][0-9]{0,8}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > most)
      throw errors.BAD_PARAMETER({ reason: `${name} must be a whole number from 1 to ${most}` });
    return number;
  };
  const members = given.get('members') ?? '0';
  if (!['0', '1', 'true', 'false', 0, 1, true, false].some(one => one === members))
    throw errors.BAD_PARAMETER({ reason: 'members must be 1 or 0' });
  const onMemberFailure = given.get('on_member_failure') ?? 'fail';
  if (onMemberFailure !== 'fail' && onMemberFailure !== 'degrade')
    throw errors.BAD_PARAMETER({ reason: 'on_member_failure must be fail or degrade' });
  const deadlineMs = whole('deadline_ms', mostDeadline);
  return {
    top: whole('top', 100) ?? 5,
    members: ['1', 'true', 1, true].some(one => one === members),
    onMemberFailure,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
}
