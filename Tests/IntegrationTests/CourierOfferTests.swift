internal import Foundation
internal import Operations
internal import Testing

/// A sender that waits for its receiver, and what it can send.
@Suite("courier send without a receiver", .timeLimit(.minutes(3)))
struct CourierOfferTests {
    /// Runs a script in `folder` with two users: `a` sends, `b` receives. `offer …` starts `send`, and sets `ticket`.
    private func run(_ folder: String, _ script: String) async throws -> Tool.Result {
        let functions = """
            cd "$1" || exit 1
            courier=$0
            a() { XDG_STATE_HOME=$PWD/state-a timeout 60 "$courier" "$@"; }
            b() { XDG_STATE_HOME=$PWD/state-b timeout 60 "$courier" "$@"; }
            ticket_of() {
                for i in $(seq 100); do grep -q courier:a "$1" && break; sleep 0.1; done
                ticket=$(grep -o 'courier:a[a-z2-7]*' "$1" | head -n 1)
            }
            offer() { a send --listen 127.0.0.1:0 "$@" > ticket 2> offer.err & ticket_of ticket; }
            \(script)
            """
        let exit = try await ChildProcess.start("/bin/bash", ["-c", functions, try Tool.path("courier"), folder]).exit()
        return Tool.Result(
            code: exit.code,
            output: String(decoding: exit.output, as: UTF8.self),
            errors: String(decoding: exit.errorOutput, as: UTF8.self)
        )
    }

    @Test func `a receiver takes files with the sender's ticket, and both end`() async throws {
        try await Tool.inFolder { folder in
            let result = try await run(
                folder,
                """
                mkdir d && head -c 700000 /dev/urandom > d/large && echo small > d/small
                offer d && b ping "$ticket" --count 1 > /dev/null || exit 2
                b receive --yes --to in "$ticket" > /dev/null && wait $! && diff -r d in/d && b history --json
                """
            )
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.output.contains("\"received\""))
        }
    }

    @Test func `a receiver that is killed comes again with the same ticket, and only the rest moves`() async throws {
        try await Tool.inFolder { folder in
            let result = try await run(
                folder,
                """
                head -c 150000000 /dev/urandom > large
                offer large; sender=$!
                for i in $(seq 20); do
                    XDG_STATE_HOME=$PWD/state-b "$courier" receive --yes --to in "$ticket" > /dev/null 2>&1 &
                    receiver=$!
                    for j in $(seq 200); do [ -e in/large.courier-journal ] && break; sleep 0.02; done
                    sleep 0.05; kill -KILL $receiver; wait $receiver && exit 7
                    [ -s in/large.courier-journal ] && [ $(stat -c %s in/large.courier-journal) -gt 200 ] && break
                done
                b receive --yes --json --to in "$ticket" > result && wait $sender && cmp large in/large && cat result
                """
            )
            #expect(result.code == 0 || result.code == 7, "\(result.code) \(result.errors)")
            // 7: it was faster than its end.
            if result.code == 0 { #expect(try result.json()["kept_bytes"] as? Int ?? 0 > 0) }
        }
    }

    @Test func `text and standard input arrive on standard output, and leave nothing behind`() async throws {
        try await Tool.inFolder { folder in
            let result = try await run(
                folder,
                """
                export TMPDIR=$PWD/tmp; mkdir tmp
                offer --text 'to be, or not' && b receive --yes --to - "$ticket" && wait $! || exit 2
                seq 100000 | a send --listen 127.0.0.1:0 - --name numbers > ticket 2> offer.err & sender=$!
                sleep 0.2; ticket_of ticket
                b receive --yes --to - "$ticket" | cmp - <(seq 100000) && wait $sender || exit 3
                b receive --yes --to - > text 2> ticket </dev/null & receiver=$!; sleep 0.2; ticket_of ticket
                a send --text ' again' "$ticket" > /dev/null && wait $receiver && cat text && ls -A tmp
                """
            )
            #expect(result.code == 0, "\(result.code) \(result.errors)")
            #expect(result.output == "to be, or not again")
        }
    }

    @Test func `what is excluded is left out, and a dry run says what is left`() async throws {
        try await Tool.inFolder { folder in
            let result = try await run(
                folder,
                """
                mkdir -p d/keep/cache d/cache && touch d/a.o d/a.c d/keep/b.o d/keep/b.c d/keep/cache/x d/cache/y
                a send d --dry-run --exclude '*.o' --exclude cache/ 2>/dev/null | tr '\\n' ' '; echo
                a send d --dry-run --exclude '/keep/*.c' --exclude '/cache' 2>/dev/null | tr '\\n' ' '; echo
                offer d --exclude '*.o' --exclude 'keep/cache' && b receive --yes --to in "$ticket" > /dev/null 2>&1 && wait $!
                find in -type f -printf '%P ' | tr ' ' '\\n' | sort | tr '\\n' ' '
                """
            )
            #expect(
                result.lines == [
                    "d/ d/a.c d/keep/ d/keep/b.c ",
                    "d/ d/a.c d/a.o d/keep/ d/keep/b.o d/keep/cache/ d/keep/cache/x ",
                    "d/a.c d/cache/y d/keep/b.c ",
                ],
                "\(result.output)"
            )
        }
    }

    @Test func `a sender says what its time was spent with`() async throws {
        try await Tool.inFolder { folder in
            let result = try await run(
                folder,
                """
                head -c 1000000 /dev/urandom > file
                offer file --limit-rate 4M --explain && b receive --yes --to in "$ticket" > /dev/null 2>&1 && wait $!
                cat offer.err
                """
            )
            #expect(result.code == 0, "\(result.errors)")
            let limits = try #require(result.lines.first { $0.contains("limited by: ") })
            // Two seconds of waiting, most of them for the limit.
            let shares = limits.matches(of: /([0-9]+) %/).compactMap { Int($0.1) }
            #expect(limits.contains("limited by: --limit-rate "), "\(limits)")
            #expect(shares.allSatisfy { $0 <= 100 } && (50...100).contains(shares.first ?? 0), "\(limits)")
            #expect(result.output.contains("path: round trip ") && result.output.contains(" packets sent, "))
            #expect(result.output.contains(" % of a processor"))
        }
    }

    @Test func `a folder that others may write in is received into, and what they left there does not count`()
        async throws
    {
        try await Tool.inFolder { folder in
            let result = try await run(
                folder,
                """
                head -c 700000 /dev/urandom > large && mkdir -m 1777 in && ln -s in link
                offer large && b receive --yes --to link "$ticket" > /dev/null && wait $! && cmp large in/large || exit 2
                umask 002
                offer large && b receive --yes --to new/folder "$ticket" > /dev/null && wait $! && stat -c %a new/folder || exit 3
                # A part that someone else could have written.
                rm in/large; head -c 700000 /dev/zero > in/large.courier-part; chmod 666 in/large.courier-part
                offer large; b receive --yes --to in "$ticket" > /dev/null; echo $?; wait $!
                """
            )
            #expect(result.lines.prefix(2) == ["775", "1"], "\(result.output) \(result.errors)")
            #expect(result.errors.contains("large.courier-part"), "\(result.errors)")
        }
    }

    @Test(arguments: [
        (["--limit-rate", "5", "x"], "--limit-rate 5"), (["--limit-rate", "fast", "x"], "--limit-rate fast"),
        (["--exclude", "", "x"], "the pattern is empty"), (["--name", "a/b", "--text", "x"], "not a file's name"),
        (["--name", "a", "x"], "--name is for --text"), (["-", "--text", "x"], "give --text or -"),
        ([], "give at least one file or folder"), (["courier:a"], "mistyped"),
    ])
    func `options that make no sense are refused`(arguments: [String], reason: String) async throws {
        let result = try await Tool.run("courier", ["send"] + arguments)
        #expect(result.code == 64 && result.errors.contains(reason), "\(result.errors)")
    }
}
