import COpenSSL

/// SHA-256 (FIPS 180-4) over bytes that come piece by piece.
package final class SHA256 {
    private let context = EVP_MD_CTX_new()

    package init() {
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto has SHA-256")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds the elements' bytes in memory order.
    package func add<Element: BitwiseCopyable>(_ elements: [Element]) {
        _ = EVP_DigestUpdate(context, elements, elements.count * MemoryLayout<Element>.stride)
    }

    /// Adds bytes.
    package func add(_ bytes: UnsafeRawBufferPointer) { _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    /// Ends the sum: 64 hexadecimal digits. To be called once.
    package func digits() -> String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        _ = EVP_DigestFinal_ex(context, &digest, &length)
        return digest.prefix(Int(length)).map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }
}
