internal import Testing

@testable import Pairing

@Suite("A pairing window")
struct PairingWindowTests {
    @Test func `a pairing window's rules, on a clock of the test's`() {
        var window = PairingWindow()
        #expect(window.present("a", at: 0) == .closed)
        window.open(token: "Secret", closesAt: 100)
        #expect(window.isOpen(at: 99))
        #expect(!window.isOpen(at: 100))
        #expect(window.present("wrong", at: 1) == .wrongToken(attemptsLeft: 4))
        #expect(window.present("secret", at: 99) == .accepted)
        #expect(window.present("secret", at: 99) == .closed)
        window.open(token: "t", closesAt: 200)
        #expect(window.present("t", at: 200) == .closed)
        #expect(window.present("t", at: 150) == .closed)
    }

    @Test func `a pairing window is reinstated once, and not in place of a newer one`() {
        var window = PairingWindow()
        window.open(token: "a", closesAt: 100)
        #expect(window.present("a", at: 1) == .accepted)
        window.reinstate("a")
        #expect(window.present("a", at: 2) == .accepted)
        window.open(token: "b", closesAt: 100)
        window.reinstate("a")
        #expect(window.present("a", at: 3) == .wrongToken(attemptsLeft: 4))
        #expect(window.present("b", at: 4) == .accepted)
        // The window that "b" spent is not opened again for the sake of "a".
        window.reinstate("a")
        #expect(window.present("b", at: 5) == .closed)
        window.open(token: "c", closesAt: 100)
        #expect(window.present("c", at: 6) == .accepted)
        window.reinstate("c")
        #expect(window.present("c", at: 100) == .closed)
    }

    @Test func `a token is new each time, and shows in no text made of it`() {
        let token = PairingToken.random()
        #expect(token != .random())
        #expect(token.text.count == 36)
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!"\(token) \(String(reflecting: token)) \(dumped)".contains(token.text))
    }
}
