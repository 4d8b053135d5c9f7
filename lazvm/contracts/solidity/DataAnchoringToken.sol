// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Statement} from "lazai-precompiles/solidity/LazAI.sol";
import {Acceptance, LazProofs} from "./LazProofs.sol";

/// @notice What a token stands for.
enum Class {
    None,
    /// Data, named by the root of its commitment.
    DataSet,
    /// A model, named by its `ModelId`.
    Model,
    /// A model with instructions, tools and data sets.
    Agent,
    /// What a model made of an input.
    Result
}

/// @notice What an asset is made from and what holders may do; given once, when it is anchored.
struct Anchor {
    Class class;
    /// Whether values and quotas may change hands.
    bool isTransferable;
    /// The first second in which the asset can no longer be used; 0 never.
    uint64 expiresAt;
    /// Of revenue that parents leave, the share of the holders, in hundredths of a percent; the issuer has the rest.
    uint16 holderBps;
    /// The least share that assets derived from this one pay to it.
    uint16 derivedBps;
    /// The royalty of sales on markets, for the issuer (ERC-2981).
    uint16 royaltyBps;
    /// What a job pays for using the asset as an agent.
    uint128 feeWei;
    /// The root of a data set, a `ModelId`, the hash of an agent's instructions and tools, or the hash of a result.
    bytes32 commitment;
    /// The model of an agent or of a result; 0 for others.
    bytes32 model;
    /// The hash of the job that made a result; 0 for others.
    bytes32 input;
    /// Where the asset is found, sealed.
    string fileUrl;
    /// What it was derived from, ascending.
    Parent[] parents;
}

/// @notice An asset that another is derived from.
struct Parent {
    uint256 id;
    /// Its share of the other's revenue, in hundredths of a percent.
    uint16 bps;
}

/// @notice What was shown about where an asset comes from.
struct Evidence {
    /// Who looked at the proof, and under which key. How much it is worth is what this key is worth.
    Acceptance acceptance;
    /// The hash of what was shown: a statement, or the bytes of an attestation.
    bytes32 claim;
    /// When; 0 if nothing was shown.
    uint64 at;
}

/// @notice An asset, its rights and where it comes from.
struct Asset {
    address issuer;
    /// Whether a minter vouches for it.
    bool isVerified;
    /// The sum of all holders' values.
    uint256 totalValue;
    /// Uses since it was anchored.
    uint64 uses;
    Anchor anchor;
    Evidence evidence;
}

/// @notice What an account has of an asset.
struct Rights {
    /// Its part of the asset: the balance.
    uint256 value;
    /// Uses that it has left.
    uint64 quota;
    /// Whether it may use the asset now.
    bool canUse;
    /// Whether it may pass on value and quota.
    bool canTransfer;
    /// Revenue that it may withdraw.
    uint256 withdrawable;
    /// The asset's key, sealed for it.
    bytes sealedKey;
}

/// @notice What a user signs for a node to use an asset (EIP-712).
struct Use {
    uint256 id;
    address user;
    /// The node that sends it.
    address node;
    /// Uses to burn.
    uint64 calls;
    /// The hash of the request that the node serves.
    bytes32 request;
    /// Any number that the user has not used yet.
    uint256 nonce;
    /// The last second in which it counts.
    uint64 deadline;
}

/// @title Tokens of data sets, models, agents and results
/// @notice ERC-1155 with the functions of LazAI's deployed token. Each id is an asset. A balance is the holder's value in it, in the
/// sense of ERC-3525 with the id as the slot: it can be split and merged, and revenue is shared in proportion to it. Uses are a
/// right of their own: quotas, burned by the nodes that the issuer authorises and with the user's signature.
///
/// Revenue. Parents get their shares rounded down, into an inbox that anybody may distribute; of the rest, holders get their share
/// rounded down, and the issuer what remains. The holders' part is split exactly, in units of 2^-128 wei: what does not divide is
/// carried to the next payment, and a holder keeps the fraction of a wei that is not paid out yet. Payments are pulled.
///
/// Only commitments, sealed keys and locations are kept. Nobody can change this code.
contract DataAnchoringToken is ERC1155, ERC2981, AccessControl, EIP712, ReentrancyGuard {
    /// @notice A token was anchored.
    event TokenMinted(address indexed to, uint256 indexed tokenId, string fileUrl);
    /// @notice An asset was anchored, with all that is said about it.
    event Anchored(uint256 indexed id, address indexed issuer, Anchor anchor);
    /// @notice A minter vouches for a token, or no longer does.
    event VerifiedSet(uint256 indexed id, bool isVerified);
    /// @notice The commitment of a token that was minted without one.
    event CommitmentSet(uint256 indexed id, bytes32 commitment);
    /// @notice What a job pays for using an agent has changed.
    event FeeSet(uint256 indexed id, uint128 feeWei);
    /// @notice A node may burn quotas of an asset, or no longer may.
    event NodeSet(uint256 indexed id, address indexed node, bool isAuthorized);
    /// @notice An account got uses of an asset: from the issuer (zero) or from another account.
    event QuotaMoved(uint256 indexed id, address indexed from, address indexed to, uint64 calls);
    /// @notice A key was sealed for an account.
    event KeySealed(uint256 indexed id, address indexed account, bytes sealedKey);
    /// @notice Where an asset comes from was shown.
    event Proved(uint256 indexed id, Acceptance acceptance, bytes32 claim);
    /// @notice A node has used an asset for a user.
    event Consumed(uint256 indexed id, address indexed user, address indexed node, uint64 calls, bytes32 request, uint256 nonce);
    /// @notice A user has used up a nonce.
    event NonceCancelled(address indexed user, uint256 nonce);
    /// @notice Revenue was split.
    event RevenueSplit(uint256 indexed id, address indexed payer, uint256 toParents, uint256 toHolders, uint256 toIssuer);
    /// @notice A parent has got its share.
    event ParentPaid(uint256 indexed id, uint256 indexed parent, uint256 amount);
    /// @notice Revenue was paid out.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    error AlreadyCommitted(uint256 id);
    error Expired(uint256 id);
    error InvalidAnchor();
    error InvalidParents();
    error InvalidProof();
    error InvalidSignature();
    error InvalidUse();
    error KeyTooLong(uint256 got, uint256 max);
    error LengthMismatch();
    error NodeUnauthorized(uint256 id, address node);
    error NonceUsed(address user, uint256 nonce);
    error NotAgent(uint256 id);
    error NotIssuer(uint256 id, address account);
    error NotTransferable(uint256 id);
    error NothingOwed(address account);
    error NothingPaid();
    error PaymentFailed(address to);
    error QuotaExceeded(uint256 id, address account, uint64 got, uint64 max);
    error UnexpectedId(uint256 got, uint256 expected);
    error UnknownToken(uint256 id);
    error ValueTooLarge(uint256 got, uint256 max);

    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    bytes32 public constant USE_TYPEHASH = keccak256(
        "Use(uint256 id,address user,address node,uint64 calls,bytes32 request,uint256 nonce,uint64 deadline)"
    );
    /// @notice Most assets that one is derived from.
    uint256 public constant MAX_PARENTS = 8;
    /// @notice Most bytes of a sealed key.
    uint256 public constant MAX_KEY_BYTES = 1024;
    /// @notice Checks certificates where there is no precompile; zero if nobody does.
    address public immutable QUORUM_VERIFIER;

    struct Revenue {
        /// What a unit of value has earned since the start, in 2^-128 wei.
        uint256 perUnit;
        /// What did not divide, in 2^-128 wei.
        uint256 remainder;
        /// What derived assets paid and nobody has distributed yet, in wei.
        uint256 inbox;
    }

    struct Share {
        /// `perUnit` when the holder's earnings were last counted.
        uint256 perUnit;
        /// Earnings counted and not paid out, in 2^-128 wei.
        uint256 earned;
    }

    uint256 private _lastId;
    mapping(uint256 id => Asset) private _assets;
    mapping(uint256 id => Revenue) private _revenues;
    mapping(uint256 id => mapping(address account => Share)) private _shares;
    mapping(address account => uint256) private _owed;
    mapping(uint256 id => mapping(address account => uint64)) private _quotas;
    mapping(uint256 id => mapping(address node => bool)) private _nodes;
    mapping(uint256 id => mapping(address account => bytes)) private _sealedKeys;
    mapping(address user => mapping(uint256 word => uint256)) private _nonces;

    constructor(address admin, string memory collectionUri, address quorumVerifier)
        ERC1155(collectionUri)
        EIP712("DataAnchoringToken", "1")
    {
        QUORUM_VERIFIER = quorumVerifier;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MINTER_ROLE, admin);
    }

    // What clients of LazAI call.

    /// @notice Mints a token of a data set to its contributor, who becomes its issuer. All revenue is the holders'.
    function mint(address to, uint256 amount, string calldata fileUrl_, bool verified_) external onlyRole(MINTER_ROLE) {
        _mintDataSet(to, amount, fileUrl_, verified_);
    }

    /// @notice Mints several, unverified. The ids must be the next ones.
    function batchMint(address to, uint256[] calldata ids, uint256[] calldata amounts, string[] calldata fileUrls)
        external
        onlyRole(MINTER_ROLE)
    {
        if (ids.length != amounts.length || ids.length != fileUrls.length) revert LengthMismatch();
        for (uint256 index = 0; index < ids.length; ++index) {
            if (ids[index] != _lastId + 1) revert UnexpectedId(ids[index], _lastId + 1);
            _mintDataSet(to, amounts[index], fileUrls[index], false);
        }
    }

    /// @notice Vouches for a token, or no longer.
    function setTokenVerified(uint256 id, bool verified_) external onlyRole(MINTER_ROLE) {
        _asset(id).isVerified = verified_;
        emit VerifiedSet(id, verified_);
    }

    /// @notice Sets what `uri` answers.
    function setURI(string calldata collectionUri) external onlyRole(MINTER_ROLE) {
        _setURI(collectionUri);
    }

    /// @notice Where the asset is found.
    function fileUrl(uint256 id) external view returns (string memory) {
        return _asset(id).anchor.fileUrl;
    }

    /// @notice Whether a minter vouches for a token.
    function verified(uint256 id) external view returns (bool) {
        return _asset(id).isVerified;
    }

    /// @notice The token that was anchored last.
    function currentTokenId() external view returns (uint256) {
        return _lastId;
    }

    // Assets.

    /// @notice Anchors an asset, whose issuer the caller becomes.
    /// @param to Gets the whole value and the first quota.
    function anchor(address to, uint256 value, uint64 quota, Anchor calldata anchor_) external returns (uint256 id) {
        _validate(anchor_);
        id = ++_lastId;
        Asset storage asset_ = _assets[id];
        asset_.issuer = msg.sender;
        asset_.anchor = anchor_;
        _setTokenRoyalty(id, msg.sender, anchor_.royaltyBps);
        emit Anchored(id, msg.sender, anchor_);
        if (quota != 0) {
            _quotas[id][to] = quota;
            emit QuotaMoved(id, address(0), to, quota);
        }
        _mintValue(to, id, value, anchor_.fileUrl);
    }

    /// @notice Names the data set of a token that was minted without a commitment.
    function setCommitment(uint256 id, bytes32 commitment) external {
        Asset storage asset_ = _issued(id);
        if (asset_.anchor.commitment != 0) revert AlreadyCommitted(id);
        if (commitment == 0) revert InvalidAnchor();
        asset_.anchor.commitment = commitment;
        emit CommitmentSet(id, commitment);
    }

    /// @notice Sets what a job pays for using an agent.
    function setFee(uint256 id, uint128 feeWei) external {
        Asset storage asset_ = _issued(id);
        if (asset_.anchor.class != Class.Agent) revert NotAgent(id);
        asset_.anchor.feeWei = feeWei;
        emit FeeSet(id, feeWei);
    }

    /// @notice Lets a node burn quotas of an asset, or no longer.
    function setNode(uint256 id, address node, bool isAuthorized) external {
        _issued(id);
        _nodes[id][node] = isAuthorized;
        emit NodeSet(id, node, isAuthorized);
    }

    /// @notice Keeps the asset's key, sealed for an account; an empty one takes it back from where it is read.
    function sealKey(uint256 id, address account, bytes calldata sealedKey) external {
        _issued(id);
        if (sealedKey.length > MAX_KEY_BYTES) revert KeyTooLong(sealedKey.length, MAX_KEY_BYTES);
        _sealedKeys[id][account] = sealedKey;
        emit KeySealed(id, account, sealedKey);
    }

    /// @notice Shows that a result is the output of its model for its input.
    /// @param context What the proof is bound to besides; a proof that paid for a job serves.
    function proveResult(
        uint256 id,
        Acceptance calldata acceptance,
        uint64 flops,
        uint64 peakBytes,
        bytes32 context,
        bytes calldata proof
    ) external {
        Asset storage asset_ = _issued(id);
        Anchor storage anchor_ = asset_.anchor;
        if (anchor_.class != Class.Result) revert InvalidAnchor();
        Statement memory statement =
            Statement(anchor_.model, anchor_.input, anchor_.commitment, flops, peakBytes, context);
        if (!LazProofs.shows(acceptance, QUORUM_VERIFIER, statement, proof)) revert InvalidProof();
        _prove(id, asset_, acceptance, keccak256(abi.encode(statement)));
    }

    /// @notice Shows that a quorum attests a data set: that it is available, or that it satisfies a policy.
    /// @param attestation Canonical bytes of the attestation.
    function proveDataSet(
        uint256 id,
        Acceptance calldata acceptance,
        bytes calldata attestation,
        bytes calldata proof
    ) external {
        Asset storage asset_ = _issued(id);
        bytes32 commitment = asset_.anchor.commitment;
        if (asset_.anchor.class != Class.DataSet || commitment == 0) revert InvalidAnchor();
        // Version 1 | quorum 32 | epoch 8 | kind 1 | name 32 | version 8 | root 32.
        if (acceptance.system != 0 || attestation.length < ROOT_AT + 32) revert InvalidProof();
        uint8 kind = uint8(attestation[KIND_AT]);
        bytes32 root = bytes32(attestation[ROOT_AT:ROOT_AT + 32]);
        if ((kind != AVAILABLE && kind != VALID) || root != commitment) revert InvalidProof();
        if (!LazProofs.showsValues(acceptance, QUORUM_VERIFIER, attestation, proof)) revert InvalidProof();
        _prove(id, asset_, acceptance, keccak256(attestation));
    }

    // Uses.

    /// @notice Gives an account uses of an asset.
    function grantQuota(uint256 id, address account, uint64 calls) external {
        _issued(id);
        _quotas[id][account] += calls;
        emit QuotaMoved(id, address(0), account, calls);
    }

    /// @notice Passes on uses of an asset.
    function transferQuota(uint256 id, address to, uint64 calls) external {
        if (!_asset(id).anchor.isTransferable) revert NotTransferable(id);
        _takeQuota(id, msg.sender, calls);
        _quotas[id][to] += calls;
        emit QuotaMoved(id, msg.sender, to, calls);
    }

    /// @notice Burns uses of an asset: by a node that the issuer authorised, with the user's signature.
    function consume(Use calldata use_, bytes calldata signature) external {
        Asset storage asset_ = _asset(use_.id);
        if (use_.node != msg.sender || !_nodes[use_.id][msg.sender]) revert NodeUnauthorized(use_.id, msg.sender);
        if (use_.calls == 0 || block.timestamp > use_.deadline) revert InvalidUse();
        if (_isExpired(asset_)) revert Expired(use_.id);
        _useNonce(use_.user, use_.nonce);
        _takeQuota(use_.id, use_.user, use_.calls);
        asset_.uses += use_.calls;
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(USE_TYPEHASH, use_)));
        if (!SignatureChecker.isValidSignatureNow(use_.user, digest, signature)) revert InvalidSignature();
        emit Consumed(use_.id, use_.user, msg.sender, use_.calls, use_.request, use_.nonce);
    }

    /// @notice Uses up a nonce, so that what was signed with it is worth nothing.
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @notice What a job pays for using an agent, and the model that it runs on.
    function agentTerms(uint256 id) external view returns (bytes32 model, uint128 feeWei) {
        Asset storage asset_ = _asset(id);
        if (asset_.anchor.class != Class.Agent) revert NotAgent(id);
        if (_isExpired(asset_)) revert Expired(id);
        return (asset_.anchor.model, asset_.anchor.feeWei);
    }

    // Revenue.

    /// @notice Splits the value of the call among parents, holders and issuer.
    function payToHolders(uint256 id) external payable {
        Asset storage asset_ = _asset(id);
        if (msg.value == 0) revert NothingPaid();
        _split(id, asset_, msg.value);
    }

    /// @notice Splits what derived assets have paid; anybody may.
    function distribute(uint256 id) external {
        Asset storage asset_ = _asset(id);
        uint256 amount = _revenues[id].inbox;
        if (amount == 0) revert NothingPaid();
        _revenues[id].inbox = 0;
        _split(id, asset_, amount);
    }

    /// @notice Pays the caller all that it has earned as an issuer, and as a holder of these tokens.
    function withdraw(uint256[] calldata ids, address payable to) external nonReentrant returns (uint256 amount) {
        amount = _owed[msg.sender];
        _owed[msg.sender] = 0;
        for (uint256 index = 0; index < ids.length; ++index) {
            Share storage share = _count(ids[index], msg.sender);
            amount += share.earned >> FRACTION_BITS;
            share.earned &= FRACTION_MASK;
        }
        if (amount == 0) revert NothingOwed(msg.sender);
        emit Withdrawn(msg.sender, to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert PaymentFailed(to);
    }

    /// @notice What an account has earned as an issuer of all tokens.
    function owedTo(address account) external view returns (uint256) {
        return _owed[account];
    }

    /// @notice What derived assets have paid and nobody has distributed yet.
    function inboxOf(uint256 id) external view returns (uint256) {
        return _revenues[id].inbox;
    }

    // Reading.

    /// @notice Ownership, rights and provenance of an asset, and what an account has of it.
    function describe(uint256 id, address account) external view returns (Asset memory asset_, Rights memory rights) {
        Asset storage stored = _asset(id);
        asset_ = stored;
        uint64 quota = _quotas[id][account];
        rights = Rights({
            value: balanceOf(account, id),
            quota: quota,
            canUse: quota != 0 && !_isExpired(stored),
            canTransfer: stored.anchor.isTransferable,
            withdrawable: _earned(id, account) >> FRACTION_BITS,
            sealedKey: _sealedKeys[id][account]
        });
    }

    /// @notice The sum of all holders' values.
    function totalSupply(uint256 id) external view returns (uint256) {
        return _assets[id].totalValue;
    }

    /// @notice Uses that an account has left.
    function quotaOf(uint256 id, address account) external view returns (uint64) {
        return _quotas[id][account];
    }

    /// @notice Whether a node may burn quotas of an asset.
    function isNode(uint256 id, address node) external view returns (bool) {
        return _nodes[id][node];
    }

    /// @notice Whether a user has used a nonce.
    function isNonceUsed(address user, uint256 nonce) external view returns (bool) {
        return _nonces[user][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc ERC1155
    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(ERC1155, ERC2981, AccessControl)
        returns (bool)
    {
        return super.supportsInterface(interfaceId);
    }

    /// Counts the earnings of both sides before their values change.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory values) internal override {
        for (uint256 index = 0; index < ids.length; ++index) {
            uint256 id = ids[index];
            if (from != address(0)) {
                if (!_assets[id].anchor.isTransferable) revert NotTransferable(id);
                _count(id, from);
            }
            _count(id, to);
        }
        super._update(from, to, ids, values);
    }

    function _mintDataSet(address to, uint256 amount, string calldata fileUrl_, bool verified_) private {
        uint256 id = ++_lastId;
        Asset storage asset_ = _assets[id];
        asset_.issuer = to;
        asset_.isVerified = verified_;
        Anchor storage anchor_ = asset_.anchor;
        anchor_.class = Class.DataSet;
        anchor_.isTransferable = true;
        anchor_.holderBps = WHOLE_BPS;
        anchor_.fileUrl = fileUrl_;
        emit Anchored(id, to, anchor_);
        emit VerifiedSet(id, verified_);
        _mintValue(to, id, amount, fileUrl_);
    }

    /// Last, because it calls a receiver that is a contract.
    function _mintValue(address to, uint256 id, uint256 value, string calldata fileUrl_) private {
        if (value > type(uint128).max) revert ValueTooLarge(value, type(uint128).max);
        _assets[id].totalValue = value;
        emit TokenMinted(to, id, fileUrl_);
        _mint(to, id, value, "");
    }

    function _prove(uint256 id, Asset storage asset_, Acceptance calldata acceptance, bytes32 claim) private {
        asset_.evidence = Evidence(acceptance, claim, uint64(block.timestamp));
        emit Proved(id, acceptance, claim);
    }

    function _takeQuota(uint256 id, address account, uint64 calls) private {
        uint64 quota = _quotas[id][account];
        if (calls > quota) revert QuotaExceeded(id, account, calls, quota);
        unchecked {
            _quotas[id][account] = quota - calls;
        }
    }

    function _useNonce(address user, uint256 nonce) private {
        uint256 bit = 1 << (nonce & 0xff);
        uint256 word = _nonces[user][nonce >> 8];
        if (word & bit != 0) revert NonceUsed(user, nonce);
        _nonces[user][nonce >> 8] = word | bit;
    }

    function _split(uint256 id, Asset storage asset_, uint256 amount) private {
        if (amount > type(uint128).max) revert ValueTooLarge(amount, type(uint128).max);
        uint256 rest = amount;
        Parent[] storage parents = asset_.anchor.parents;
        uint256 count = parents.length;
        for (uint256 index = 0; index < count; ++index) {
            Parent memory parent = parents[index];
            uint256 cut = amount * parent.bps / WHOLE_BPS;
            if (cut == 0) continue;
            rest -= cut;
            _revenues[parent.id].inbox += cut;
            emit ParentPaid(id, parent.id, cut);
        }
        uint256 totalValue = asset_.totalValue;
        // Without a holder all is the issuer's.
        uint256 toHolders = totalValue == 0 ? 0 : rest * asset_.anchor.holderBps / WHOLE_BPS;
        if (toHolders != 0) {
            Revenue storage revenue = _revenues[id];
            uint256 sum = (toHolders << FRACTION_BITS) + revenue.remainder;
            revenue.perUnit += sum / totalValue;
            revenue.remainder = sum % totalValue;
        }
        _owed[asset_.issuer] += rest - toHolders;
        emit RevenueSplit(id, msg.sender, amount - rest, toHolders, rest - toHolders);
    }

    /// Counts what an account has earned by now.
    function _count(uint256 id, address account) private returns (Share storage share) {
        share = _shares[id][account];
        share.earned = _earned(id, account);
        share.perUnit = _revenues[id].perUnit;
    }

    function _earned(uint256 id, address account) private view returns (uint256) {
        Share storage share = _shares[id][account];
        return share.earned + balanceOf(account, id) * (_revenues[id].perUnit - share.perUnit);
    }

    function _asset(uint256 id) private view returns (Asset storage asset_) {
        if (id == 0 || id > _lastId) revert UnknownToken(id);
        return _assets[id];
    }

    function _issued(uint256 id) private view returns (Asset storage asset_) {
        asset_ = _asset(id);
        if (asset_.issuer != msg.sender) revert NotIssuer(id, msg.sender);
    }

    function _isExpired(Asset storage asset_) private view returns (bool) {
        uint64 expiresAt = asset_.anchor.expiresAt;
        return expiresAt != 0 && block.timestamp >= expiresAt;
    }

    function _validate(Anchor calldata anchor_) private view {
        bool isMade = anchor_.class == Class.Agent || anchor_.class == Class.Result;
        if (
            anchor_.class == Class.None || anchor_.commitment == 0 || (anchor_.model != 0) != isMade
                || (anchor_.input != 0) != (anchor_.class == Class.Result)
                || (anchor_.feeWei != 0 && anchor_.class != Class.Agent) || anchor_.holderBps > WHOLE_BPS
                || anchor_.derivedBps > WHOLE_BPS || anchor_.royaltyBps > WHOLE_BPS
                || (anchor_.expiresAt != 0 && anchor_.expiresAt <= block.timestamp)
        ) revert InvalidAnchor();
        uint256 count = anchor_.parents.length;
        if (count > MAX_PARENTS) revert InvalidParents();
        uint256 last;
        uint256 sum;
        for (uint256 index = 0; index < count; ++index) {
            Parent calldata parent = anchor_.parents[index];
            if (parent.id <= last) revert InvalidParents();
            last = parent.id;
            sum += parent.bps;
            if (parent.bps < _asset(parent.id).anchor.derivedBps) revert InvalidParents();
        }
        if (sum > WHOLE_BPS) revert InvalidParents();
    }

    uint16 private constant WHOLE_BPS = 10_000;
    uint256 private constant FRACTION_BITS = 128;
    uint256 private constant FRACTION_MASK = type(uint128).max;
    /// Places in the bytes of an attestation, and kinds of it.
    uint256 private constant KIND_AT = 41;
    uint256 private constant ROOT_AT = 82;
    uint8 private constant AVAILABLE = 1;
    uint8 private constant VALID = 2;
}
