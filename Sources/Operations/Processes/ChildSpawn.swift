internal import CLinux
internal import Glibc

/// A program that is about to be started.
struct ChildSpawn {
    private let executable: String
    private let arguments: [String]
    private let environment: [String]

    /// - Parameter added: entries added to our own environment.
    init(_ executable: String, _ arguments: [String], _ added: [String: String]) {
        self.executable = executable
        self.arguments = arguments
        environment = Self.ownEnvironment().merging(added) { $1 }.map { "\($0.key)=\($0.value)" }
    }

    /// A child that dies with the calling thread.
    func attended(takesInput: Bool, _ descriptors: [Int32]) throws -> (pid: Int32, ours: ChildPipes.Ends) {
        var pipes: [[Int32]] = []
        do {
            for _ in 0..<(takesInput ? 3 : 2) { pipes.append(try pipe()) }
            let input = takesInput ? pipes[2][0] : -1
            let pid = try spawn(input, pipes[0][1], pipes[1][1], descriptors, outlives: false)
            close(pipes[0][1])
            close(pipes[1][1])
            if takesInput { close(pipes[2][0]) }
            let ours = ChildPipes.Ends(
                input: takesInput ? pipes[2][1] : -1,
                output: pipes[0][0],
                error: pipes[1][0]
            )
            return (pid, ours)
        } catch {
            for end in pipes.joined() { close(end) }
            throw error
        }
    }

    func outliving(output: Int32?, _ descriptors: [Int32]) throws -> Int32 {
        let null = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard null >= 0 else { throw ChildProcessError(executable: executable, code: errno) }
        defer { close(null) }
        return try spawn(-1, output ?? null, output ?? null, descriptors, outlives: true)
    }

    private func pipe() throws -> [Int32] {
        var ends: [Int32] = [0, 0]
        let code = unsafe outpost_pipe(&ends)
        guard code == 0 else { throw ChildProcessError(executable: executable, code: code) }
        return ends
    }

    private func spawn(
        _ input: Int32,
        _ output: Int32,
        _ error: Int32,
        _ descriptors: [Int32],
        outlives: Bool
    ) throws -> Int32 {
        var pid: Int32 = 0
        // Every pointer lives for the call.
        let code = unsafe Self.withCStrings([executable] + arguments) { argv in
            unsafe Self.withCStrings(environment) { envp in
                unsafe executable.withCString { file in
                    unsafe descriptors.withUnsafeBufferPointer { list in
                        var child = unsafe outpost_child(
                            file: file,
                            argv: argv,
                            envp: envp,
                            input: input,
                            output: output,
                            error: error,
                            descriptors: list.baseAddress,
                            descriptor_count: Int32(list.count),
                            outlives: outlives ? 1 : 0
                        )
                        return unsafe outpost_spawn(&child, &pid)
                    }
                }
            }
        }
        guard code == 0 else { throw ChildProcessError(executable: executable, code: code) }
        return pid
    }

    private static func ownEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        // `environ` is only read, and nothing in this package writes to it.
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let pair = unsafe String(cString: text).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            unsafe entry += 1
        }
        return variables
    }

    /// Calls `body` with a null-terminated array of C strings that lives for the call.
    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe strings.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe body(pointers)
    }
}
