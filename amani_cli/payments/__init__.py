"""A payment's life, whatever the rail: journaled, sent once, judged, recorded. Knows no command and no destination."""
