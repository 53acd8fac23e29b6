/** What the build step puts in front of the sources, and what After Effects has but its type definitions lack. */
declare var PANEL_VERSION: string;
type Extract<T, U> = T extends U ? T : never;
