// Keys and Endpoint IDs are part of this library's interface: one import is enough for both.
@_exported public import Identity
