// Colours of code. The usual themes have comments with less contrast than 4.5.
export const codeTheme = { light: "github-light-high-contrast", dark: "github-dark-high-contrast" };
