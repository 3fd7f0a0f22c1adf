export const sidebar = () => [];
