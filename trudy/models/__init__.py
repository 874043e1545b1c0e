"""Shapes of requests and answers. Each name loads its file when first used, so that importing this package is cheap.

    agents.py             agents, with their settings for greeting, silence and turns
    calls.py              calls and recordings
    call_endings.py       how a call ended
    transcripts.py        what was said
    webrtc.py             calls from a browser
    batch_calls.py        campaigns, their contacts and figures
    contacts.py           contacts, folders, imports
    tools.py              tools that agents may use
    knowledge_bases.py    knowledge bases and their sources
    voices.py             voices
    telephony.py          phone numbers and carriers' credentials
    common.py             `.meta`, pagination, deletions
    _fields.py            for attributes: their names on the wire, open words, what a repr shows
    _converter.py         JSON to models: `decode`
    _wire.py              models to JSON: `to_wire`; and `Model`, the base of all

.. include:: README.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trudy.models._converter import ModelError as ModelError
    from trudy.models._converter import decode as decode
    from trudy.models._fields import OpenWord as OpenWord
    from trudy.models._wire import Model as Model
    from trudy.models._wire import to_wire as to_wire
    from trudy.models.agents import Agent as Agent
    from trudy.models.agents import AgentStatus as AgentStatus
    from trudy.models.agents import AgentStatusName as AgentStatusName
    from trudy.models.agents import EndBehavior as EndBehavior
    from trudy.models.agents import FirstSpeaker as FirstSpeaker
    from trudy.models.agents import GreetingSettings as GreetingSettings
    from trudy.models.agents import GreetingSettingsDict as GreetingSettingsDict
    from trudy.models.agents import GreetingSettingsParam as GreetingSettingsParam
    from trudy.models.agents import InactivityMessage as InactivityMessage
    from trudy.models.agents import InactivityMessageDict as InactivityMessageDict
    from trudy.models.agents import InactivityMessagesParam as InactivityMessagesParam
    from trudy.models.agents import NumberRef as NumberRef
    from trudy.models.agents import OutputMedium as OutputMedium
    from trudy.models.agents import VADSettings as VADSettings
    from trudy.models.agents import VADSettingsDict as VADSettingsDict
    from trudy.models.agents import VADSettingsParam as VADSettingsParam
    from trudy.models.batch_calls import AddedChunk as AddedChunk
    from trudy.models.batch_calls import AddedContacts as AddedContacts
    from trudy.models.batch_calls import BatchAnalytics as BatchAnalytics
    from trudy.models.batch_calls import BatchCall as BatchCall
    from trudy.models.batch_calls import BatchContact as BatchContact
    from trudy.models.batch_calls import BatchContactInput as BatchContactInput
    from trudy.models.batch_calls import BatchContactInputDict as BatchContactInputDict
    from trudy.models.batch_calls import BatchContactStatus as BatchContactStatus
    from trudy.models.batch_calls import BatchStatus as BatchStatus
    from trudy.models.batch_calls import BatchStatusChange as BatchStatusChange
    from trudy.models.batch_calls import BatchStatusName as BatchStatusName
    from trudy.models.batch_calls import ContactSource as ContactSource
    from trudy.models.batch_calls import PhoneRotation as PhoneRotation
    from trudy.models.batch_calls import ScheduleType as ScheduleType
    from trudy.models.call_endings import CallEnding as CallEnding
    from trudy.models.calls import Call as Call
    from trudy.models.calls import CallDirection as CallDirection
    from trudy.models.calls import CallDirectionName as CallDirectionName
    from trudy.models.calls import CallSettings as CallSettings
    from trudy.models.calls import CallSettingsDict as CallSettingsDict
    from trudy.models.calls import CallSettingsParam as CallSettingsParam
    from trudy.models.calls import CallStatus as CallStatus
    from trudy.models.calls import CallStatusName as CallStatusName
    from trudy.models.calls import Recording as Recording
    from trudy.models.common import BulkDeleteResult as BulkDeleteResult
    from trudy.models.common import Deleted as Deleted
    from trudy.models.common import Pagination as Pagination
    from trudy.models.common import ResponseMeta as ResponseMeta
    from trudy.models.contacts import CallOutcome as CallOutcome
    from trudy.models.contacts import CallOutcomeName as CallOutcomeName
    from trudy.models.contacts import Contact as Contact
    from trudy.models.contacts import ContactFolder as ContactFolder
    from trudy.models.contacts import ContactImportFault as ContactImportFault
    from trudy.models.contacts import ContactImportResult as ContactImportResult
    from trudy.models.knowledge_bases import KnowledgeBase as KnowledgeBase
    from trudy.models.knowledge_bases import KnowledgeSource as KnowledgeSource
    from trudy.models.knowledge_bases import KnowledgeStatus as KnowledgeStatus
    from trudy.models.knowledge_bases import SourceKind as SourceKind
    from trudy.models.telephony import AgentNumbers as AgentNumbers
    from trudy.models.telephony import AgentWebhookUrl as AgentWebhookUrl
    from trudy.models.telephony import AssignmentType as AssignmentType
    from trudy.models.telephony import AssignmentTypeName as AssignmentTypeName
    from trudy.models.telephony import AvailableNumber as AvailableNumber
    from trudy.models.telephony import NumberAssignment as NumberAssignment
    from trudy.models.telephony import NumberType as NumberType
    from trudy.models.telephony import NumberTypeName as NumberTypeName
    from trudy.models.telephony import PhoneNumber as PhoneNumber
    from trudy.models.telephony import ProviderType as ProviderType
    from trudy.models.telephony import ProviderTypeName as ProviderTypeName
    from trudy.models.telephony import ProvisionedNumber as ProvisionedNumber
    from trudy.models.telephony import TelephonyCredential as TelephonyCredential
    from trudy.models.tools import HttpMethod as HttpMethod
    from trudy.models.tools import HttpTool as HttpTool
    from trudy.models.tools import ParameterLocation as ParameterLocation
    from trudy.models.tools import ParameterType as ParameterType
    from trudy.models.tools import Tool as Tool
    from trudy.models.tools import ToolDefinitionParam as ToolDefinitionParam
    from trudy.models.tools import ToolParameter as ToolParameter
    from trudy.models.transcripts import Transcript as Transcript
    from trudy.models.transcripts import TranscriptTurn as TranscriptTurn
    from trudy.models.voices import Voice as Voice
    from trudy.models.voices import VoiceStatus as VoiceStatus
    from trudy.models.voices import VoiceType as VoiceType
    from trudy.models.webrtc import TestCall as TestCall
    from trudy.models.webrtc import WebRTCCall as WebRTCCall
else:
    from trudy._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(__name__)
