internal import Files
internal import Glibc
internal import Operations
internal import Synchronization
internal import SystemErrors

/// A real file that fails on demand.
final class FaultyFile: AuditFile {
    struct Plan {
        /// Bytes the disk still takes; nil for no end.
        var room: Int?
        var failsSync = false
        var failsTruncate = false
        var failsCheckpoint = false
        var syncs = 0
    }

    let plan: Mutex<Plan>
    let base: AuditDiskFile

    init(_ base: AuditDiskFile, plan: Plan = Plan()) {
        self.base = base
        self.plan = Mutex(plan)
    }

    func status() throws(SystemError) -> FileStatus { try base.status() }
    func lock() throws(SystemError) { try base.lock() }
    func unlock() { base.unlock() }

    func read(atMost count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        try base.read(atMost: count, at: offset)
    }

    func append(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        let room = plan.withLock { $0.room }
        guard let room else { return try base.append(bytes) }
        if room == 0 { throw SystemError(call: "write", code: ENOSPC) }
        let taken = try base.append(bytes.prefix(room))
        plan.withLock { $0.room = room - taken }
        return taken
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        if plan.withLock({ $0.failsCheckpoint }) { throw SystemError(call: "pwrite", code: EIO) }
        try base.write(bytes, at: offset)
    }

    func synchronizeData() throws(SystemError) {
        let fails = plan.withLock { plan in
            plan.syncs += 1
            return plan.failsSync
        }
        if fails { throw SystemError(call: "fdatasync", code: EIO) }
        try base.synchronizeData()
    }

    func truncate(to length: Int64) throws(SystemError) {
        if plan.withLock({ $0.failsTruncate }) { throw SystemError(call: "ftruncate", code: EIO) }
        try base.truncate(to: length)
    }
}
