// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice What a model costs: (ceil(alpha * flops) + gamma + ceil(beta * peakBytes)) * weiPerGas.
struct Tariff {
    uint64 alphaNumerator;
    uint64 alphaDenominator;
    uint64 betaNumerator;
    uint64 betaDenominator;
    uint64 gamma;
    uint96 weiPerGas;
}

/// @title Prices of runs
library Tariffs {
    /// @notice The price of a run, rounded up to whole gas twice and exact from there on.
    function fee(Tariff memory tariff, uint64 flops, uint64 peakBytes) internal pure returns (uint256) {
        // Products stay below 2^128, the sum below 2^130 and the fee below 2^226.
        uint256 gas = Math.ceilDiv(uint256(flops) * tariff.alphaNumerator, tariff.alphaDenominator) + tariff.gamma
            + Math.ceilDiv(uint256(peakBytes) * tariff.betaNumerator, tariff.betaDenominator);
        return gas * tariff.weiPerGas;
    }
}

/// @notice What the owner of a model says about it.
struct Listing {
    /// The price of runs.
    Tariff tariff;
    /// Hundredths of a percent of the price that go to the model; the rest goes to who runs it.
    uint16 shareBps;
    /// The token whose holders get the share; 0 if the owner does.
    uint256 datId;
    /// The licence, as an SPDX expression or a link.
    string licence;
    /// Where the artifact is found.
    string source;
}

/// @notice A model of the registry.
struct Model {
    address owner;
    /// Who may become the owner by accepting.
    address offeredTo;
    bool isRevoked;
    /// Validators hold the model from this block on; 0 never.
    uint64 requiredFrom;
    /// Up to this block, itself excluded.
    uint64 requiredUntil;
    Listing listing;
}

/// @title The registry of models
/// @notice A model is named by its `ModelId`, the root of its artifact. Who registers a model first owns its entry; so that nobody
/// can copy an id from a waiting transaction, an owner commits to it in an earlier block. The owner of the contract is the
/// governance of the chain: it decides which models validators must hold, and may revoke any.
contract LazModels is Ownable2Step {
    using Tariffs for Tariff;

    /// @notice A commitment was made.
    event Committed(bytes32 indexed commitment, uint256 usableFrom);
    /// @notice A model was registered.
    event ModelRegistered(bytes32 indexed model, address indexed owner, Listing listing);
    /// @notice What the owner says about a model has changed.
    event ModelUpdated(bytes32 indexed model, Listing listing);
    /// @notice An account may become the owner.
    event ModelOffered(bytes32 indexed model, address indexed owner, address indexed to);
    /// @notice A model has another owner.
    event ModelTransferred(bytes32 indexed model, address indexed from, address indexed to);
    /// @notice A model is revoked for good.
    event ModelRevoked(bytes32 indexed model, address indexed by);
    /// @notice Validators must hold a model from a block on.
    event ModelRequired(bytes32 indexed model, uint64 fromBlock);
    /// @notice From this block on validators need not hold a model.
    event ModelReleased(bytes32 indexed model, uint64 fromBlock);

    error AlreadyCommitted(bytes32 commitment);
    error AlreadyRegistered(bytes32 model);
    /// The block is too early, or the model is required already.
    error BlockTooEarly(uint64 got, uint64 earliest);
    error CommitmentMissing(bytes32 commitment);
    error CommitmentTooYoung(uint256 usableFrom);
    error InvalidListing();
    error InvalidModel();
    error IsRequired(bytes32 model);
    error IsRevoked(bytes32 model);
    error NotOffered(bytes32 model, address account);
    error NotOwner(bytes32 model, address account);
    error NotRequired(bytes32 model);
    error TooManyRequired();
    error Unregistered(bytes32 model);

    /// @notice Blocks between the decision that a model is required and the first block in which it is.
    uint64 public immutable NOTICE_BLOCKS;
    /// @notice Most models that are required or are about to be.
    uint256 public constant MAX_REQUIRED = 64;
    /// @notice Most bytes of a licence or a source.
    uint256 public constant MAX_TEXT_BYTES = 512;

    mapping(bytes32 commitment => uint256) private _usableFrom;
    mapping(bytes32 model => Model) private _models;
    /// Those that are required, about to be, or no longer are.
    bytes32[] private _required;

    constructor(address governance, uint64 noticeBlocks) Ownable(governance) {
        NOTICE_BLOCKS = noticeBlocks;
    }

    /// @notice What to commit to before a model is registered.
    function commitmentOf(bytes32 model_, address owner_, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), model_, owner_, salt));
    }

    /// @notice Commits to a model that is registered in a later block.
    function commit(bytes32 commitment) external {
        if (_usableFrom[commitment] != 0) revert AlreadyCommitted(commitment);
        uint256 usableFrom = block.number + 1;
        _usableFrom[commitment] = usableFrom;
        emit Committed(commitment, usableFrom);
    }

    /// @notice Registers a model that the caller has committed to.
    function register(bytes32 model_, Listing calldata listing, bytes32 salt) external {
        if (model_ == 0) revert InvalidModel();
        Model storage entry = _models[model_];
        if (entry.owner != address(0)) revert AlreadyRegistered(model_);
        bytes32 commitment = commitmentOf(model_, msg.sender, salt);
        uint256 usableFrom = _usableFrom[commitment];
        if (usableFrom == 0) revert CommitmentMissing(commitment);
        if (block.number < usableFrom) revert CommitmentTooYoung(usableFrom);
        _validate(listing);
        entry.owner = msg.sender;
        entry.listing = listing;
        emit ModelRegistered(model_, msg.sender, listing);
    }

    /// @notice Changes what the owner says about a model. Jobs that are open keep their terms.
    function update(bytes32 model_, Listing calldata listing) external {
        Model storage entry = _owned(model_);
        _validate(listing);
        entry.listing = listing;
        emit ModelUpdated(model_, listing);
    }

    /// @notice Lets an account become the owner; zero takes the offer back.
    function offerModel(bytes32 model_, address to) external {
        _owned(model_).offeredTo = to;
        emit ModelOffered(model_, msg.sender, to);
    }

    /// @notice Becomes the owner of a model that was offered.
    function acceptModel(bytes32 model_) external {
        Model storage entry = _usable(model_);
        if (entry.offeredTo != msg.sender) revert NotOffered(model_, msg.sender);
        _transfer(model_, entry, msg.sender);
    }

    /// @notice Gives a model to another owner, by governance: for models that somebody registered who did not make them.
    function reassign(bytes32 model_, address to) external onlyOwner {
        if (to == address(0)) revert NotOffered(model_, to);
        _transfer(model_, _usable(model_), to);
    }

    /// @notice Revokes a model for good, by its owner or governance: it takes no new jobs. A model that validators must hold is
    /// released first.
    function revoke(bytes32 model_) external {
        Model storage entry = _usable(model_);
        if (msg.sender != entry.owner && msg.sender != owner()) revert NotOwner(model_, msg.sender);
        if (block.number < entry.requiredUntil) revert IsRequired(model_);
        entry.isRevoked = true;
        emit ModelRevoked(model_, msg.sender);
    }

    /// @notice Decides that validators must hold a model from a block on, so that calls may run it in their transaction.
    function requireModel(bytes32 model_, uint64 fromBlock) external onlyOwner {
        Model storage entry = _usable(model_);
        if (block.number < entry.requiredUntil) revert IsRequired(model_);
        uint64 earliest = uint64(block.number) + NOTICE_BLOCKS;
        if (fromBlock < earliest) revert BlockTooEarly(fromBlock, earliest);
        _prune();
        if (_required.length == MAX_REQUIRED) revert TooManyRequired();
        _required.push(model_);
        entry.requiredFrom = fromBlock;
        entry.requiredUntil = type(uint64).max;
        emit ModelRequired(model_, fromBlock);
    }

    /// @notice Decides that validators need not hold a model from a block on.
    function releaseModel(bytes32 model_, uint64 fromBlock) external onlyOwner {
        Model storage entry = _models[model_];
        if (entry.requiredUntil != type(uint64).max) revert NotRequired(model_);
        uint64 earliest = uint64(block.number) + 1;
        if (fromBlock < earliest) revert BlockTooEarly(fromBlock, earliest);
        entry.requiredUntil = fromBlock;
        emit ModelReleased(model_, fromBlock);
    }

    /// @notice All about a model.
    function model(bytes32 model_) external view returns (Model memory) {
        return _models[model_];
    }

    /// @notice The owner of a model that takes jobs, what a run costs, and who gets which share of it.
    function terms(bytes32 model_)
        external
        view
        returns (address owner_, Tariff memory tariff, uint16 shareBps, uint256 datId)
    {
        Model storage entry = _usable(model_);
        Listing storage listing = entry.listing;
        return (entry.owner, listing.tariff, listing.shareBps, listing.datId);
    }

    /// @notice The price of a run of a model that takes jobs.
    function quote(bytes32 model_, uint64 flops, uint64 peakBytes) external view returns (uint256 feeWei) {
        Tariff memory tariff = _usable(model_).listing.tariff;
        return tariff.fee(flops, peakBytes);
    }

    /// @notice Whether validators must hold a model in a block, by what is decided now.
    function isRequired(bytes32 model_, uint64 blockNumber) public view returns (bool) {
        Model storage entry = _models[model_];
        return entry.requiredFrom <= blockNumber && blockNumber < entry.requiredUntil;
    }

    /// @notice The models that validators must hold in a block, by what is decided now.
    function requiredModels(uint64 blockNumber) external view returns (bytes32[] memory models) {
        uint256 count = _required.length;
        models = new bytes32[](count);
        uint256 found;
        for (uint256 index = 0; index < count; ++index) {
            bytes32 candidate = _required[index];
            if (isRequired(candidate, blockNumber)) models[found++] = candidate;
        }
        assembly ("memory-safe") {
            mstore(models, found)
        }
    }

    function _transfer(bytes32 model_, Model storage entry, address to) private {
        emit ModelTransferred(model_, entry.owner, to);
        entry.owner = to;
        entry.offeredTo = address(0);
    }

    /// Drops the models that are no longer required.
    function _prune() private {
        for (uint256 index = _required.length; index > 0;) {
            --index;
            if (block.number < _models[_required[index]].requiredUntil) continue;
            _required[index] = _required[_required.length - 1];
            _required.pop();
        }
    }

    function _owned(bytes32 model_) private view returns (Model storage entry) {
        entry = _usable(model_);
        if (entry.owner != msg.sender) revert NotOwner(model_, msg.sender);
    }

    function _usable(bytes32 model_) private view returns (Model storage entry) {
        entry = _models[model_];
        if (entry.owner == address(0)) revert Unregistered(model_);
        if (entry.isRevoked) revert IsRevoked(model_);
    }

    function _validate(Listing calldata listing) private pure {
        if (
            listing.tariff.alphaDenominator == 0 || listing.tariff.betaDenominator == 0 || listing.shareBps > 10_000
                || bytes(listing.licence).length > MAX_TEXT_BYTES || bytes(listing.source).length > MAX_TEXT_BYTES
        ) revert InvalidListing();
    }
}
