"""The versions that a grade carries: a change of either may change a grade."""

ENGINE_VERSION = "0.1.0"
POLICY_VERSION = "2"
