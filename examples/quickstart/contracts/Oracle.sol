// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {Generation, LazAI, Price} from "lazai-precompiles/solidity/LazAI.sol";

/// @title Asks a neural network, and remembers what it said
contract Oracle {
    /// @notice The model that answers.
    bytes32 public immutable model;

    /// @notice What the model reads before a question.
    string public opening;

    /// @notice What the model reads behind a question.
    string public closing;

    /// @notice How many answers there are; the next one gets this id.
    uint256 public count;

    /// @notice The answers, by id.
    mapping(uint256 id => string answer) public answers;

    /// @notice A question was answered.
    event Answered(uint256 indexed id, address indexed asker, string question, string answer);

    /// @param model_ The model that answers; zero means the chain's default model.
    /// @param opening_ What the model reads before a question, as in its training.
    /// @param closing_ What the model reads behind a question.
    constructor(bytes32 model_, string memory opening_, string memory closing_) {
        model = model_;
        opening = opening_;
        closing = closing_;
    }

    /// @notice Asks the model and stores its answer.
    /// @param question What to ask.
    /// @param maxTokens At most this many new tokens.
    /// @param temperatureMilli 0 always takes the best token; 1000 follows the model's own odds.
    /// @param seed Chooses among the possible answers; the same seed always gives the same answer.
    /// @return id Under which the answer is stored.
    /// @return answer The answer.
    /// @return tokens The tokens of the answer.
    /// @return promptTokens How many tokens the model read.
    /// @return finish 0 if the token limit ended the answer, 1 if the model did.
    function ask(string calldata question, uint32 maxTokens, uint32 temperatureMilli, uint64 seed)
        external
        returns (uint256 id, string memory answer, uint32[] memory tokens, uint32 promptTokens, uint8 finish)
    {
        (answer, tokens, promptTokens, finish) =
            LazAI.INFERENCE.generate(request(question, maxTokens, temperatureMilli, seed));
        id = count++;
        answers[id] = answer;
        emit Answered(id, msg.sender, question, answer);
    }

    /// @notice What the model's part of ask costs at most; ordinary gas comes on top.
    function priceOf(string calldata question, uint32 maxTokens, uint32 temperatureMilli, uint64 seed)
        external
        view
        returns (Price memory)
    {
        return LazAI.QUOTE.quoteGenerate(request(question, maxTokens, temperatureMilli, seed));
    }

    function request(string calldata question, uint32 maxTokens, uint32 temperatureMilli, uint64 seed)
        private
        view
        returns (Generation memory)
    {
        return Generation({
            model: model,
            prompt: string.concat(opening, question, closing),
            maxTokens: maxTokens,
            temperatureMilli: temperatureMilli,
            topK: 0,
            topPMilli: 0,
            seed: seed,
            stop: new string[](0)
        });
    }
}
