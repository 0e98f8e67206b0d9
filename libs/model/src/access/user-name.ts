const USER_NAME = /^[A-Za-z0-9_][A-Za-z0-9._@+=~|:/-]{0,253}$/;

/** Whether RoleBindings can name a user so: ASCII only, since other letters look like one another. */
export const isUserName = (name: string): boolean => USER_NAME.test(name);
