/// What happens to an entry whose name is taken by something else.
package enum ConflictPolicy: String, CaseIterable, Sendable {
    /// The entry fails.
    case refuse
    /// It gets another name.
    case rename
    /// What is there is replaced, once the new file is verified. Folders are never replaced.
    case overwrite
    /// What is there stays, and the entry is not received.
    case skip
}
