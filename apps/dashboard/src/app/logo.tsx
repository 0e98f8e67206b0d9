/** The eye of a heddle, with warp and weft through it. */
export const Logo = ({ size }: { readonly size: number }) => (
  <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" fill="#3b3186" />
    <g fill="none" strokeWidth="2.6" strokeLinecap="round">
      <path d="M10 6v20M22 6v20" stroke="#b9b0ff" />
      <path d="M16 6v7M16 19v7" stroke="#b9b0ff" />
      <path d="M6 16h7M19 16h7" stroke="#ffb86b" />
      <circle cx="16" cy="16" r="3.2" stroke="#ffb86b" />
    </g>
  </svg>
);
