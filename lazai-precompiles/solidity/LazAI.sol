// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.10;

/// @notice How to continue a text.
struct Generation {
    /// Model to run; zero means the chain's default model.
    bytes32 model;
    /// Text to continue; special tokens written in it are refused.
    string prompt;
    /// At most this many new tokens; at least 1.
    uint32 maxTokens;
    /// Thousandths by which scores are divided; 0 always takes the best token.
    uint32 temperatureMilli;
    /// Only this many best tokens are considered; 0 means all.
    uint32 topK;
    /// Only the best tokens that together hold this many thousandths; 0 and 1000 mean all.
    uint32 topPMilli;
    /// Chooses among the possible results; the same seed always gives the same text.
    uint64 seed;
    /// Up to four texts that end the generation; they are cut from the result.
    string[] stop;
}

/// @notice How to continue tokens.
struct TokenGeneration {
    /// Model to run; zero means the chain's default model.
    bytes32 model;
    /// Tokens to continue, as they are; nothing is added.
    uint32[] tokens;
    /// At most this many new tokens; at least 1.
    uint32 maxTokens;
    /// Thousandths by which scores are divided; 0 always takes the best token.
    uint32 temperatureMilli;
    /// Only this many best tokens are considered; 0 means all.
    uint32 topK;
    /// Only the best tokens that together hold this many thousandths; 0 and 1000 mean all.
    uint32 topPMilli;
    /// Chooses among the possible results; the same seed always gives the same text.
    uint64 seed;
    /// Up to four texts that end the generation; they are cut from the result.
    string[] stop;
}

/// @notice What a proof shows: this model turned this input into this output.
struct Statement {
    /// The model that ran.
    bytes32 model;
    /// Hash of the job.
    bytes32 input;
    /// Hash of the output.
    bytes32 output;
    /// Arithmetic operations of the run.
    uint64 flops;
    /// Peak memory of the run, in bytes.
    uint64 peakBytes;
    /// What the proof is bound to besides: chain, requester and request.
    bytes32 context;
}

/// @notice The price of a call, known before it runs.
struct Price {
    /// Arithmetic operations; a multiply and an add count as two.
    uint64 flops;
    /// Peak memory, in bytes.
    uint64 peakBytes;
    /// ceil(alpha * flops) + gamma.
    uint64 gasAI;
    /// ceil(beta * peakBytes).
    uint64 gasInference;
    /// P: wei for a unit of gas, by the header of this block, without a tip.
    uint256 priceWei;
    /// P * T, where T = gasAI + gasInference: what is paid at most, before resources cheaper than P are refunded.
    uint256 feeWei;
}

/// @title Runs models
/// @notice The quoted gas is taken before the run; gas of tokens that were not produced comes back.
/// Reverts with an error of ILazErrors, and runs out of gas if the quote exceeds the gas of the call.
interface ILazInference {
    /// @notice Continues a text.
    /// @return text The new text.
    /// @return tokens The new tokens.
    /// @return promptTokens Tokens of the prompt.
    /// @return finish Why the text ended: 0 the token limit was reached, 1 the model or a stop text ended it.
    function generate(Generation calldata request)
        external
        view
        returns (string memory text, uint32[] memory tokens, uint32 promptTokens, uint8 finish);

    /// @notice Continues tokens.
    /// @return text The new text.
    /// @return tokens The new tokens.
    /// @return promptTokens Tokens of the prompt.
    /// @return finish Why the text ended: 0 the token limit was reached, 1 the model or a stop text ended it.
    function generateFromTokens(TokenGeneration calldata request)
        external
        view
        returns (string memory text, uint32[] memory tokens, uint32 promptTokens, uint8 finish);

    /// @notice Scores every token of the vocabulary as the next one.
    /// @return values Scores by token id; the real score is the value divided by 2 to the fractionBits.
    /// @return fractionBits Bits behind the binary point.
    function logits(bytes32 model, uint32[] calldata tokens)
        external
        view
        returns (int32[] memory values, uint8 fractionBits);

    /// @notice Turns a text into a unit vector that stands for its meaning.
    /// @return values The vector; the real value is the value divided by 2 to the fractionBits.
    /// @return fractionBits Bits behind the binary point.
    function embed(bytes32 model, string calldata text)
        external
        view
        returns (int16[] memory values, uint8 fractionBits);
}

/// @title Turns text into tokens and back
interface ILazTokenizer {
    /// @notice The tokens of a text.
    function encode(bytes32 model, string calldata text) external view returns (uint32[] memory tokens);

    /// @notice The text of tokens.
    function decode(bytes32 model, uint32[] calldata tokens) external view returns (string memory text);

    /// @notice The number of tokens of a text.
    function count(bytes32 model, string calldata text) external view returns (uint32 tokens);
}

/// @title Checks proofs
/// @notice Systems: 0 quorum, 1 halo2, 2 sumcheck, 3 STARK, 4 Groth16, 5 PLONK, 6 optimistic, others by the chain.
/// A key is named by keyHash = keccak256("lazvm/verifying-key/1" ++ system as four bytes ++ key). It is the code of
/// the account address(uint160(uint256(keyHash))), behind one zero byte.
interface ILazProofVerifier {
    /// @notice A verifying key was stored for the first time.
    event VerifyingKeyRegistered(uint32 indexed system, bytes32 indexed keyHash, address indexed registrant);

    /// @notice Stores a verifying key that the system admits; anyone may. A key that is there already stays.
    /// @return keyHash The name of the key.
    function register(uint32 system, bytes calldata verifyingKey) external returns (bytes32 keyHash);

    /// @notice Whether the proof shows the statement; a malformed proof gives false.
    function verify(uint32 system, bytes32 keyHash, Statement calldata statement, bytes calldata proof)
        external
        view
        returns (bool valid);

    /// @notice Whether the proof shows that a zkVM's program committed these public values; a malformed proof gives
    /// false.
    function verifyValues(uint32 system, bytes32 keyHash, bytes calldata values, bytes calldata proof)
        external
        view
        returns (bool valid);

    /// @notice The price of verify, where valuesBytes is 0, and of verifyValues.
    /// @param keyBytes Of a registered key: the code length of its account, less one.
    /// @return price Of the work.
    /// @return gasEvm Ordinary gas on top.
    function quote(uint32 system, uint64 keyBytes, uint64 valuesBytes, uint64 proofBytes)
        external
        view
        returns (Price memory price, uint64 gasEvm);

    /// @notice The price of register for a key that is new.
    /// @return price Of the work.
    /// @return gasEvm Ordinary gas on top: a new account, its code and a log.
    function quoteRegister(uint32 system, uint64 keyBytes)
        external
        view
        returns (Price memory price, uint64 gasEvm);

    /// @notice The bytes of a registered key.
    function key(uint32 system, bytes32 keyHash) external view returns (bytes memory verifyingKey);

    /// @notice Whether a key is registered.
    function isRegistered(uint32 system, bytes32 keyHash) external view returns (bool registered);
}

/// @title Tells prices
/// @notice Each function costs gamma and the reading of its input; nothing is run.
interface ILazQuote {
    /// @notice The price of ILazInference.generate with this request, if all tokens are used.
    function quoteGenerate(Generation calldata request) external view returns (Price memory price);

    /// @notice The price of ILazInference.generateFromTokens with this request, if all tokens are used.
    function quoteGenerateFromTokens(TokenGeneration calldata request)
        external
        view
        returns (Price memory price);

    /// @notice The price of ILazInference.logits.
    function quoteLogits(bytes32 model, uint32[] calldata tokens) external view returns (Price memory price);

    /// @notice The price of ILazInference.embed.
    function quoteEmbed(bytes32 model, string calldata text) external view returns (Price memory price);

    /// @notice Wei for a unit of gas in this block, without a tip.
    /// @return evm Of ordinary gas.
    /// @return ai Of gasAI.
    /// @return inference Of gasInference.
    /// @return header Of the block's header: the highest of the three, paid first, the difference refunded.
    function prices()
        external
        view
        returns (uint256 evm, uint256 ai, uint256 inference, uint256 header);
}

/// @title Why a precompile reverts
/// @notice Offsets count the bytes of the calldata, function selector included.
interface ILazErrors {
    /// DELEGATECALL and CALLCODE are refused.
    error DelegateCallRefused();
    /// The prompt has no token; it needs at least one.
    error EmptyPrompt();
    /// The calldata, or a text, key or proof in it, is longer than is read.
    error InputTooLong(uint256 got, uint256 max);
    /// The calldata ends before the argument that starts at the offset.
    error InputTooShort(uint256 offset, uint256 got, uint256 expected);
    /// A function argument is not an integer of the declared width.
    error IntegerOutOfRange(uint256 offset, uint256 got, uint256 max);
    /// The token limit is 0 or exceeds what the model's context leaves after the prompt.
    error InvalidMaxTokens(uint256 got, uint256 max);
    /// An argument does not stand where the standard encoding puts it.
    error InvalidOffset(uint256 offset, uint256 got, uint256 expected);
    /// Bytes behind a text or a byte string are not zero.
    error InvalidPadding(uint256 offset);
    /// A sampling parameter is out of range: 1 the temperature, 2 top-p.
    error InvalidSampling(uint32 parameter, uint256 got, uint256 max);
    /// Too many or too long stop texts.
    error InvalidStopList(uint256 maxCount, uint256 maxBytes);
    /// The model's tokenizer cannot read the input.
    error InvalidText();
    /// A text is not UTF-8 from this byte on.
    error InvalidUtf8(uint256 offset);
    /// The proof system refuses the verifying key, for the reason with this code. Each system has its own codes, which never
    /// change their meaning: docs/precompiles.md, "Codes". 0 in every system: the verifier failed on the key.
    error InvalidVerifyingKey(uint256 system, uint32 code);
    /// The account of the verifying key holds something else.
    error KeyAddressTaken(address account);
    /// A length exceeds what the calldata can hold.
    error LengthOutOfRange(uint256 offset, uint256 got, uint256 max);
    /// The chain has no default model, so that the model must be named.
    error NoDefaultModel();
    /// The prompt has more tokens than the model's context.
    error PromptTooLong(uint256 got, uint256 max);
    /// The input is refused for the reason with this code, which has no error of its own: docs/precompiles.md, "Codes".
    error Rejected(uint32 code);
    /// The text spells a special token.
    error SpecialToken(uint256 token, uint256 offset);
    /// A function that writes state is refused in a static call.
    error StaticCallRefused();
    /// The calldata goes on after its last argument.
    error TrailingBytes(uint256 got, uint256 expected);
    /// A character that the tokenizers' version of Unicode does not assign, at this byte of the text.
    error UnassignedCharacter(uint256 character, uint256 offset);
    /// The precompile has no such function.
    error UnknownFunction(bytes4 selector);
    /// No such model.
    error UnknownModel(bytes32 model);
    /// No verifier for such proofs.
    error UnknownProofSystem(uint256 system);
    /// The vocabulary has no such token.
    error UnknownToken(uint256 token, uint256 index, uint256 vocabulary);
    /// No such verifying key is registered.
    error UnknownVerifyingKey(uint256 system, bytes32 keyHash);
    /// The model cannot do this: 0 count, 1 decode, 2 embed, 3 encode, 4 generate, 5 logits, 6 greedy tokens.
    error UnsupportedTask(uint32 task);
    /// Precompiles take no value.
    error ValueRefused(uint256 value);
    /// The work of the job exceeds 64 bits.
    error WorkOverflow();
}

/// @title Where the precompiles stand
library LazAI {
    ILazInference internal constant INFERENCE = ILazInference(0x0000000000000000000000000000000000A10001);
    ILazTokenizer internal constant TOKENIZER = ILazTokenizer(0x0000000000000000000000000000000000a10002);
    ILazProofVerifier internal constant PROOF_VERIFIER =
        ILazProofVerifier(0x0000000000000000000000000000000000A10005);
    ILazQuote internal constant QUOTE = ILazQuote(0x0000000000000000000000000000000000A10006);
}
