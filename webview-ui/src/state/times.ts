/** Times in few words. */

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export function leftWords(ms: number): string {
  if (ms < MINUTE) return 'less than a minute left';
  const minutes = Math.round(ms / MINUTE);
  if (minutes < 60) return `about ${minutes} min left`;
  const rest = minutes % 60;
  return `about ${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`} left`;
}

/** "today, 14:05", "yesterday, 09:12", or the date. */
export function whenWords(time: number, now: number): string {
  const date = new Date(time);
  const hours = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(now).toDateString()) return `today, ${hours}`;
  if (date.toDateString() === new Date(now - DAY).toDateString()) return `yesterday, ${hours}`;
  const year = date.getFullYear() === new Date(now).getFullYear() ? {} : { year: 'numeric' as const };
  return date.toLocaleDateString([], { day: 'numeric', month: 'short', ...year });
}
